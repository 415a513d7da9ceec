#ifndef STORAGE_PUSHERS_H
#define STORAGE_PUSHERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"

/* Where notifications of a user go. A pusher goes when the device that made it goes. */
enum { PUSHERS_PER_USER_MAX = 100 };

struct pusher {
    int64_t pusher_nid;
    int64_t user_nid;
    const char *device_id; /* NULL: of an application service */
    const char *app_id;
    const char *pushkey;
    const char *kind; /* "http" or "email" */
    const char *app_display_name;
    const char *device_display_name;
    const char *profile_tag; /* or NULL */
    const char *lang;
    const char *data; /* JSON object */
    int64_t pushkey_ts;
    bool is_enabled;       /* MSC3881 */
    int64_t last_position; /* notifications up to here are done with */
};

/* Adds or replaces the user's pusher with this app ID and pushkey. `only_one`: takes the pushkey
 * from all other users. M_RESOURCE_LIMIT_EXCEEDED. */
enum errcode pusher_save(struct db *db, struct arena *arena, const struct pusher *pusher,
                         bool only_one) MUST_CHECK;

/* OK also when there is none. */
enum errcode pusher_delete(struct db *db, int64_t user_nid, const char *app_id,
                           const char *pushkey) MUST_CHECK;

enum errcode pushers_of_user(struct db *db, struct arena *arena, int64_t user_nid,
                             struct pusher **out, size_t *count_out) MUST_CHECK;

#endif
