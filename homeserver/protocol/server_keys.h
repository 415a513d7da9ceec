#ifndef HOMESERVER_PROTOCOL_SERVER_KEYS_H
#define HOMESERVER_PROTOCOL_SERVER_KEYS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "homeserver/protocol/event_signature.h"

struct arena;
struct signing_key;

/*
 * The documents in which servers publish their signing keys.
 * Spec: server-server API, "Retrieving server keys"; room version 5, "Signing key validity period".
 */

/* No key is believed for longer without asking again. */
#define SERVER_KEYS_VALIDITY_MAX_MS (INT64_C(7) * 24 * 60 * 60 * 1000)

/* A document with more, old ones included, is none: each of them would be stored. */
enum { SERVER_KEYS_MAX = 200 };

struct server_key {
    const char *key_id;
    struct verify_key key; /* as events see it: validity capped, expired ones marked */
};

struct server_keys {
    const char *server_name;
    int64_t valid_until_ts; /* ms, capped */
    const struct server_key *keys;
    size_t count;
    json_t *json; /* the document, for notaries */
};

/* Whose document it should be, and when it came. */
struct server_keys_source {
    const char *server_name;
    int64_t received_at_ms;
};

/* Checks a document that says to be of that server: M_BAD_JSON for a wrong shape or another
 * server, M_INVALID_SIGNATURE unless it is signed with one of its verify_keys and every signature
 * with one of them is valid. Keys of other algorithms and malformed keys are left out. `*out` lives
 * on the arena. */
enum errcode server_keys_parse(struct arena *arena, json_t *json,
                               const struct server_keys_source *source, struct error *error,
                               const struct server_keys **out) MUST_CHECK;

/* The key for an event (may be an old one); NULL when it is not listed. */
const struct server_key *server_keys_find(const struct server_keys *keys, const char *key_id);

/* The key for a request at `now_ms`: a current one in a document that is still valid. */
const struct server_key *server_keys_find_current(const struct server_keys *keys,
                                                  const char *key_id, int64_t now_ms);

/* Our own document, signed with every current key. */
struct old_signing_key {
    const char *key_id;
    struct ed25519_public_key public_key;
    int64_t expired_ts;
};

struct own_server_keys {
    const char *server_name;
    int64_t valid_until_ts;
    const struct signing_key *current;
    size_t current_count;
    const struct old_signing_key *old;
    size_t old_count;
};

/* On the arena. */
json_t *server_keys_build(struct arena *arena, const struct own_server_keys *own);

#endif
