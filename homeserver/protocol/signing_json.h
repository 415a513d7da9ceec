#ifndef HOMESERVER_PROTOCOL_SIGNING_JSON_H
#define HOMESERVER_PROTOCOL_SIGNING_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "homeserver/base/error.h"
#include "homeserver/protocol/ed25519.h"

struct strbuf;

/*
 * Signed JSON objects (appendix "Signing JSON"): `signatures.<entity>.<key id>` over the canonical
 * form without `signatures` and `unsigned`. Events are signed in their redacted form: see
 * event_signature.h.
 */
struct signing_key {
    const char *key_id; /* "ed25519:1" */
    struct ed25519_key_pair pair;
};

/* Appends the bytes that a signature of `object` covers. M_BAD_JSON when nested too deep. */
enum errcode signing_json_bytes(const json_t *object, struct strbuf *out) MUST_CHECK;

/* Adds our signature to `object`, beside those that are there; M_BAD_JSON as above. A `signatures`
 * member of another type is replaced. */
enum errcode signing_json_sign(json_t *object, const char *entity,
                               const struct signing_key *key) MUST_CHECK;

/* Puts a signature into `signatures` without looking at what it covers. */
void signing_json_add_signature(json_t *object, const char *entity, const char *key_id,
                                const uint8_t signature[ED25519_SIGNATURE_BYTES]);

/* The signature's text; NULL when there is none. Borrowed from `object`. */
const char *signing_json_signature(const json_t *object, const char *entity, const char *key_id);

/* True when `entity` signed the object with this key. */
bool signing_json_verify(const json_t *object, const char *entity, const char *key_id,
                         const struct ed25519_public_key *key);

#endif
