#ifndef FEDERATION_RECEIVER_KEY_RING_H
#define FEDERATION_RECEIVER_KEY_RING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "homeserver/call.h"
#include "homeserver/protocol/event_signature.h"

/*
 * The signing keys of other servers: in memory, in the database, from the server itself, from the
 * notaries that the administrator trusts (none by default), in this order. Thread-safe.
 * Spec: server-server API, "Retrieving server keys".
 */
struct key_ring;

struct key_ring *key_ring_create(void);
void key_ring_destroy(struct key_ring *ring);

/* The key with the longest known validity. It is asked for again when it is not known or its
 * validity is over, which blocks, unless that failed a short while ago; then what was known before
 * is told. For an event, event_verify_signatures() looks at the validity; a request needs a key
 * with `!is_expired` and `valid_until_ts` not before now. `*is_known_out` is false when the key can
 * not be had, with the reason in the call's error. Only E_* are returned. */
enum errcode key_ring_find(struct call *call, const char *server_name, const char *key_id,
                           struct verify_key *out, bool *is_known_out) MUST_CHECK;

/* For those who ask us as a notary: the newest document in which a server published its keys, on
 * the arena. NULL when we have none: a stranger's question makes us call nobody whom we do not
 * know. One that does not hold until `until_ms` is asked for again, at most once a minute and on a
 * thread that may wait (E_OUTWARD on others); when it can not be had, the last one is told. */
enum errcode key_ring_document(struct call *call, const char *server_name, int64_t until_ms,
                               json_t **out) MUST_CHECK;

#endif
