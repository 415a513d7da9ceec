#ifndef FEDERATION_RECEIVER_VERIFY_KEYS_H
#define FEDERATION_RECEIVER_VERIFY_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/call.h"
#include "homeserver/protocol/event_signature.h"

struct pdu_valid;

/*
 * The keys that a batch of events needs, fetched once for all of them: those of hosted domains are
 * at hand, the others come from the key ring.
 */
struct verify_keys;

/* Keys that can not be had are left out: verification then says so, event by event. On the call's
 * arena. */
enum errcode verify_keys_load(struct call *call, const struct pdu_valid *const *pdus, size_t count,
                              struct verify_keys **out) MUST_CHECK;

/* For pdu_verify(); the context is the struct verify_keys. */
bool verify_keys_lookup(void *keys, const char *server_name, const char *key_id,
                        struct verify_key *out);

/* The key for a request at this time: a current one of that server. M_UNAUTHORIZED when it has no
 * such key, or can not be asked. */
enum errcode request_key_load(struct call *call, const char *server_name, const char *key_id,
                              int64_t now_ms, struct ed25519_public_key *out) MUST_CHECK;

#endif
