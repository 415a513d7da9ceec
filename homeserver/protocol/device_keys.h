#ifndef HOMESERVER_PROTOCOL_DEVICE_KEYS_H
#define HOMESERVER_PROTOCOL_DEVICE_KEYS_H

#include <jansson.h>
#include <stdbool.h>

#include "homeserver/base/error.h"
#include "homeserver/protocol/ed25519.h"

/*
 * The key documents of end-to-end encryption: device keys, one-time and fallback keys,
 * cross-signing keys. The server checks their shape, so that what it accepts can be sent to any
 * other server, and of the signatures those that it is told to check. Spec: client-server API,
 * "End-to-End Encryption".
 */
enum { KEY_DOCUMENT_BYTES_MAX = 65536, KEY_ID_BYTES_MAX = 255 };

/* M_BAD_JSON or M_TOO_LARGE for a wrong shape, M_INVALID_PARAM for the keys of another user or
 * device. Signatures are not checked: clients do that. */
enum errcode device_keys_check(const json_t *keys, const char *user_id, const char *device_id,
                               struct error *error) MUST_CHECK;

/* A member of `one_time_keys` or `fallback_keys`: its name is `<algorithm>:<key id>`, its value a
 * text or a signed object. M_BAD_JSON or M_TOO_LARGE. */
enum errcode one_time_key_check(const char *key_id, const json_t *key,
                                struct error *error) MUST_CHECK;

enum cross_signing_usage {
    CROSS_SIGNING_MASTER,
    CROSS_SIGNING_SELF_SIGNING,
    CROSS_SIGNING_USER_SIGNING,
};

/* "master", "self_signing", "user_signing": as in `usage`, and with "_key" the request's members.
 */
const char *cross_signing_usage_text(enum cross_signing_usage usage);

struct cross_signing_key {
    const char *key_id;     /* "ed25519:<public key>"; borrowed from the document */
    const char *public_key; /* base64 */
    struct ed25519_public_key key;
    const json_t *json;
};

/* M_BAD_JSON or M_TOO_LARGE for a wrong shape or usage, M_INVALID_PARAM for the key of another
 * user. */
enum errcode cross_signing_key_parse(const json_t *json, const char *user_id,
                                     enum cross_signing_usage usage, struct error *error,
                                     struct cross_signing_key *out) MUST_CHECK;

/* True when `document` carries a valid signature of that user by the cross-signing key: self- and
 * user-signing keys by the master key, devices by the self-signing key. */
bool is_signed_by_cross_signing_key(const json_t *document, const char *user_id,
                                    const struct cross_signing_key *key);

/* The same by a device: its `ed25519:<device id>` key. */
bool is_signed_by_device(const json_t *document, const char *user_id, const json_t *device_keys);

#endif
