#ifndef HOMESERVER_ENCRYPTION_KEY_QUERY_H
#define HOMESERVER_ENCRYPTION_KEY_QUERY_H

#include <jansson.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct call;
struct key_asker; /* federation/client/user_keys.h */

/* Users in one request. */
enum { KEY_QUERY_USERS_MAX = 10000 };

struct key_query {
    int64_t viewer_nid; /* sees own signatures and the own user-signing key; 0: another server */
    json_t *wanted;     /* user -> list of devices, empty for all */
    /* Other servers are asked for their users (blocks: for CALLS_OUT routes). NULL: hosted users
     * only, others are passed over. */
    const struct key_asker *asker;
};

/* The keys as the answer of POST /keys/query has them; borrowed from the arena. M_BAD_JSON when
 * `wanted` has another shape, M_TOO_LARGE for too many users. */
enum errcode keys_query(struct call *call, const struct key_query *query, json_t **out) MUST_CHECK;

/* The object under this name, made when there is none; borrowed from `parent`. */
json_t *key_object_obtain(json_t *parent, const char *name);

/* Notes in `failures` that the server of this user could not be asked. */
void key_failure_add(json_t *failures, const char *user_id);

#endif
