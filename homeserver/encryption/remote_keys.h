#ifndef HOMESERVER_ENCRYPTION_REMOTE_KEYS_H
#define HOMESERVER_ENCRYPTION_REMOTE_KEYS_H

#include <jansson.h>

#include "homeserver/base/error.h"

struct call;

/*
 * Keys of other servers' users, asked for when a client wants them. Blocks: for CALLS_OUT routes.
 * `origin` is the domain of the user who asks.
 */

/* Completes the answer of keys_query(): users of other servers are added, and servers that answered
 * are taken out of its `failures`. A server tells only about its own users. */
enum errcode remote_keys_query(struct call *call, const char *origin, json_t *wanted,
                               json_t *answer) MUST_CHECK;

/* The same for keys_claim(). */
enum errcode remote_keys_claim(struct call *call, const char *origin, json_t *wanted, json_t *keys,
                               json_t *failures) MUST_CHECK;

#endif
