/* Signing keys from key files and key documents. */
#include "homeserver/cli/known_keys.h"

#include <string.h>

#include "config/config.h"
#include "config/signing_key_file.h"
#include "homeserver/base/clock.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/server_keys.h"
#include "storage/server_keys.h"

enum errcode known_keys_add_own(struct known_keys *keys, struct arena *arena,
                                const struct config *config, struct error *error)
{
    const struct signing_key_seed *seeds;
    size_t count;

    for (size_t i = 0; i < config->domain_count; i++) {
        const struct config_domain *domain = &config->domains[i];
        TRY(signing_key_file_read(arena, domain->signing_key_file, error, &seeds, &count));
        for (size_t j = 0; j < count; j++) {
            struct ed25519_key_pair pair;
            ed25519_key_pair_from_seed(&pair, seeds[j].seed);
            const struct known_key key = {
                .server_name = domain->name,
                .key_id = arena_printf(arena, "ed25519:%s", seeds[j].version),
                .key = {.key = pair.public_key, .valid_until_ts = INT64_MAX},
            };
            ed25519_key_pair_finish(&pair);
            array_push(arena, &keys->keys, key);
        }
    }
    return OK;
}

static enum errcode add_document(struct known_keys *keys, struct arena *arena, json_t *json,
                                 struct error *error)
{
    struct server_keys_source source = {.received_at_ms = clock_wall_ms()};
    const struct server_keys *document;

    TRY(json_require_string(json, "server_name", error, &source.server_name));
    TRY(server_keys_parse(arena, json, &source, error, &document));
    for (size_t i = 0; i < document->count; i++) {
        const struct known_key key = {
            .server_name = document->server_name,
            .key_id = document->keys[i].key_id,
            .key = document->keys[i].key,
        };
        array_push(arena, &keys->keys, key);
    }
    return OK;
}

enum errcode known_keys_add_documents(struct known_keys *keys, struct arena *arena, json_t *json,
                                      struct error *error)
{
    json_t *list = json_is_array(json) ? json : json_get_array(json, "server_keys");
    json_t *document;
    size_t i;

    if (list == NULL)
        return add_document(keys, arena, json, error);
    json_array_foreach (list, i, document) {
        TRY(add_document(keys, arena, document, error));
    }
    return OK;
}

static bool find_stored(struct known_keys *keys, const char *server_name, const char *key_id,
                        struct verify_key *out)
{
    struct stored_server_key stored;

    if (keys->db == NULL ||
        server_key_load(keys->db, keys->arena, server_name, key_id, &stored) != OK)
        return false;
    struct known_key key = {
        .server_name = arena_strdup(keys->arena, server_name),
        .key_id = arena_strdup(keys->arena, key_id),
        .key = {.valid_until_ts = stored.valid_until_ts, .is_expired = stored.is_expired},
    };
    memcpy(key.key.key.bytes, stored.public_key, sizeof(key.key.key.bytes));
    array_push(keys->arena, &keys->keys, key);
    *out = key.key;
    return true;
}

bool known_keys_find(void *context, const char *server_name, const char *key_id,
                     struct verify_key *out)
{
    struct known_keys *keys = context;

    for (size_t i = 0; i < keys->keys.count; i++) {
        const struct known_key *known = &keys->keys.items[i];
        if (strcmp(known->server_name, server_name) == 0 && strcmp(known->key_id, key_id) == 0) {
            *out = known->key;
            return true;
        }
    }
    return find_stored(keys, server_name, key_id, out);
}
