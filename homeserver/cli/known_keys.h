#ifndef HOMESERVER_CLI_KNOWN_KEYS_H
#define HOMESERVER_CLI_KNOWN_KEYS_H

#include "homeserver/base/array.h"
#include "homeserver/base/error.h"
#include "homeserver/protocol/event_signature.h"

struct config;
struct db;

/* The signing keys of servers that a command may use without asking anybody. */
struct known_key {
    const char *server_name;
    const char *key_id;
    struct verify_key key;
};

struct known_keys {
    ARRAY_OF(struct known_key) keys;
    /* Not NULL: what the server has learned of other servers' keys is known too. */
    struct db *db;
    struct arena *arena;
};

/* Adds the keys of the hosted domains, older ones of their files too. */
enum errcode known_keys_add_own(struct known_keys *keys, struct arena *arena,
                                const struct config *config, struct error *error) MUST_CHECK;

/* Adds those of key documents: one, a list of them, or the answer of a notary ("server_keys").
 * M_BAD_JSON, M_INVALID_SIGNATURE. */
enum errcode known_keys_add_documents(struct known_keys *keys, struct arena *arena, json_t *json,
                                      struct error *error) MUST_CHECK;

/* A verify_key_lookup; `context` is a struct known_keys. */
bool known_keys_find(void *context, const char *server_name, const char *key_id,
                     struct verify_key *out);

#endif
