#ifndef HOMESERVER_ENCRYPTION_KEY_CLAIM_H
#define HOMESERVER_ENCRYPTION_KEY_CLAIM_H

#include <jansson.h>

#include "homeserver/base/error.h"

struct call;

/* Devices in one request. */
enum { KEY_CLAIMS_MAX = 10000 };

/* One-time keys are few, and whoever takes them all forces a device to its fallback key. Counts the
 * claims of `claimant` (a user ID or, for all its users, a server name) for each device by itself:
 * M_LIMIT_EXCEEDED when they are too many. A client needs a key of a device once. */
enum errcode key_claims_limit(struct call *call, const char *claimant, json_t *wanted) MUST_CHECK;

/* One key of each device of users of this server: `wanted` is user -> device -> algorithm,
 * `*keys_out` user -> device -> `<algorithm>:<key id>` -> key, borrowed from the arena. Users of
 * other servers are passed over. M_BAD_JSON for another shape. */
enum errcode keys_claim(struct call *call, json_t *wanted, json_t **keys_out) MUST_CHECK;

#endif
