#ifndef STORAGE_PROFILES_H
#define STORAGE_PROFILES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;

/* Profile fields of local users: any JSON value under a name. */

/* The whole profile, an object; {} when nothing is set. Borrowed from the arena. */
enum errcode profile_load(struct db *db, struct arena *arena, int64_t user_nid,
                          json_t **out) MUST_CHECK;

/* displayname and avatar_url, each NULL when it is not set: what a member event shows. */
struct profile_summary {
    const char *display_name;
    const char *avatar_url;
};
enum errcode profile_load_summary(struct db *db, struct arena *arena, int64_t user_nid,
                                  struct profile_summary *out) MUST_CHECK;

/* Sets a field to a value in canonical JSON. M_PROFILE_TOO_LARGE, and nothing changed, when the
 * profile would then take more than `bytes_max` bytes as canonical JSON: decided under a lock on
 * the account, so that two requests can not pass the limit together. Run it in a transaction. */
struct profile_change {
    int64_t user_nid;
    const char *field;
    const char *value;
    size_t bytes_max;
};
enum errcode profile_set_field(struct db *tx, struct arena *arena,
                               const struct profile_change *change) MUST_CHECK;

/* Harmless when the field is not set. */
enum errcode profile_delete_field(struct db *db, int64_t user_nid, const char *field) MUST_CHECK;
enum errcode profile_delete(struct db *db, int64_t user_nid) MUST_CHECK;

#endif
