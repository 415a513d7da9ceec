#ifndef STORAGE_USERS_H
#define STORAGE_USERS_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;

/*
 * Interned user IDs: one small number per Matrix user, local or remote. A number never changes and
 * never goes away, so it may be cached for ever. The caller has checked the IDs' grammar.
 */

/* The number of a user, made when there was none. */
enum errcode user_nid_intern(struct db *db, struct arena *arena, const char *user_id,
                             int64_t *nid_out) MUST_CHECK;

/* The same for many, in two statements at most; `nids_out` has room for `count`. IDs may repeat. */
enum errcode user_nids_intern(struct db *db, struct arena *arena, const char *const *user_ids,
                              size_t count, int64_t *nids_out) MUST_CHECK;

/* M_NOT_FOUND when nobody with this ID was ever seen. Makes no row: use it for names that come
 * from requests and must not fill the table. */
enum errcode user_nid_find(struct db *db, struct arena *arena, const char *user_id,
                           int64_t *nid_out) MUST_CHECK;

/* The same for many; 0 for those that were never seen. */
enum errcode user_nids_find(struct db *db, struct arena *arena, const char *const *user_ids,
                            size_t count, int64_t *nids_out) MUST_CHECK;

/* The ID behind a number; M_NOT_FOUND when there is none. */
enum errcode user_id_load(struct db *db, struct arena *arena, int64_t user_nid,
                          const char **out) MUST_CHECK;

/* The same for many: `(*out)[i]` belongs to `nids[i]`, NULL for a number that does not exist. */
enum errcode user_ids_load(struct db *db, struct arena *arena, const int64_t *nids, size_t count,
                           const char ***out) MUST_CHECK;

#endif
