#ifndef HOMESERVER_ENCRYPTION_REMOTE_KEYS_H
#define HOMESERVER_ENCRYPTION_REMOTE_KEYS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "federation/client/user_keys.h"
#include "homeserver/base/error.h"

struct call;

/*
 * Keys of other servers' users, asked for when a client wants them: all servers at once. Blocks:
 * for CALLS_OUT routes. A server that does not answer stands in `failures`, and tells only about
 * its own users.
 */

/* The members of `wanted` that are users of other servers; on the arena. */
json_t *remote_keys_wanted(struct call *call, json_t *wanted);

/* For POST /keys/query. Users with whom somebody here shares a room have their lists stored, and
 * fetched before when they are not current. The others' are handed through. */
struct remote_keys {
    const char **stored_user_ids; /* to be read from storage like those of local users */
    size_t stored_count;
    json_t *told; /* `device_keys`, `master_keys` and `self_signing_keys` of the other users */
};
enum errcode remote_keys_query(struct call *call, const struct key_asker *asker, json_t *wanted,
                               json_t *failures, struct remote_keys *out) MUST_CHECK;

/* For POST /keys/claim: adds to `keys`. */
enum errcode remote_keys_claim(struct call *call, const struct key_asker *asker, json_t *wanted,
                               json_t *keys, json_t *failures) MUST_CHECK;

#endif
