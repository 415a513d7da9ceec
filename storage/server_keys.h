#ifndef STORAGE_SERVER_KEYS_H
#define STORAGE_SERVER_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;

/* Signing keys of other servers. */
enum { STORED_KEY_BYTES = 32 };

struct stored_server_key {
    const char *server_name;
    const char *key_id;
    uint8_t public_key[STORED_KEY_BYTES];
    int64_t valid_until_ts; /* ms; of an expired key: when it expired */
    bool is_expired;
};

/* M_NOT_FOUND when the key was never seen. */
enum errcode server_key_load(struct db *db, struct arena *arena, const char *server_name,
                             const char *key_id, struct stored_server_key *out) MUST_CHECK;

/* Keys that a server published: a key that is there already gets its new validity. */
enum errcode server_keys_store(struct db *db, const struct stored_server_key *keys,
                               size_t count) MUST_CHECK;

struct stored_key_document {
    const char *server_name;
    const char *document; /* JSON text */
    int64_t received_ts;
    int64_t valid_until_ts;
};
/* Replaces an older one. */
enum errcode server_key_document_store(struct db *db,
                                       const struct stored_key_document *document) MUST_CHECK;
/* M_NOT_FOUND when there is none. */
enum errcode server_key_document_load(struct db *db, struct arena *arena, const char *server_name,
                                      struct stored_key_document *out) MUST_CHECK;

#endif
