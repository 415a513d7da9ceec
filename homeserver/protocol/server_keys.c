/*
 * Reading and making server key documents.
 * Spec: server-server API, "Publishing Keys".
 */
#include "homeserver/protocol/server_keys.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/base64.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/server_name.h"
#include "homeserver/protocol/signing_json.h"

typedef ARRAY_OF(struct server_key) key_array;

static bool read_key(const char *key_id, const json_t *entry, struct server_key *out)
{
    if (!signing_key_id_is_valid(key_id) || strcmp(key_id, POLICY_SERVER_KEY_ID) == 0)
        return false;
    out->key_id = key_id;
    return ed25519_public_key_decode(&out->key.key, json_get_string(entry, "key"));
}

static void read_current_keys(struct arena *arena, const json_t *json, int64_t valid_until_ts,
                              key_array *keys)
{
    const char *key_id;
    json_t *entry;

    json_object_foreach (json_get_object(json, "verify_keys"), key_id, entry) {
        struct server_key key = {.key.valid_until_ts = valid_until_ts};
        if (read_key(key_id, entry, &key))
            array_push(arena, keys, key);
    }
}

static bool is_listed(const key_array *keys, const char *key_id)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->items[i].key_id, key_id) == 0)
            return true;
    }
    return false;
}

static void read_old_keys(struct arena *arena, const json_t *json, key_array *keys)
{
    const char *key_id;
    json_t *entry;

    json_object_foreach (json_get_object(json, "old_verify_keys"), key_id, entry) {
        struct server_key key = {.key.is_expired = true};
        if (read_key(key_id, entry, &key) &&
            json_get_int(entry, "expired_ts", &key.key.valid_until_ts) && !is_listed(keys, key_id))
            array_push(arena, keys, key);
    }
}

static enum errcode check_signatures(const struct server_keys *keys, struct error *error)
{
    bool is_signed = false;

    for (size_t i = 0; i < keys->count; i++) {
        const struct server_key *key = &keys->keys[i];
        if (key->key.is_expired ||
            signing_json_signature(keys->json, keys->server_name, key->key_id) == NULL)
            continue;
        if (!signing_json_verify(keys->json, keys->server_name, key->key_id, &key->key.key))
            return fail(error, M_INVALID_SIGNATURE, "The keys of %s have a wrong signature.",
                        keys->server_name);
        is_signed = true;
    }
    if (!is_signed)
        return fail(error, M_INVALID_SIGNATURE, "The keys of %s are not signed by themselves.",
                    keys->server_name);
    return OK;
}

enum errcode server_keys_parse(struct arena *arena, json_t *json,
                               const struct server_keys_source *source, struct error *error,
                               const struct server_keys **out)
{
    const int64_t latest = source->received_at_ms + SERVER_KEYS_VALIDITY_MAX_MS;
    struct server_keys *keys = ARENA_NEW(arena, struct server_keys);
    key_array found = {0};
    json_t *verify_keys;

    TRY(json_require_string(json, "server_name", error, &keys->server_name));
    TRY(json_require_int(json, "valid_until_ts", error, &keys->valid_until_ts));
    TRY(json_require_object(json, "verify_keys", error, &verify_keys));
    if (strcmp(keys->server_name, source->server_name) != 0)
        return fail(error, M_BAD_JSON, "The keys are not those of %s.", source->server_name);
    if (json_object_size(verify_keys) + json_object_size(json_get_object(json, "old_verify_keys")) >
        SERVER_KEYS_MAX)
        return fail(error, M_BAD_JSON, "%s has more than %d keys.", source->server_name,
                    SERVER_KEYS_MAX);
    if (keys->valid_until_ts > latest)
        keys->valid_until_ts = latest;
    read_current_keys(arena, json, keys->valid_until_ts, &found);
    read_old_keys(arena, json, &found);
    keys->json = json_on_arena(arena, json_incref(json));
    keys->keys = found.items;
    keys->count = found.count;
    TRY(check_signatures(keys, error));
    *out = keys;
    return OK;
}

const struct server_key *server_keys_find(const struct server_keys *keys, const char *key_id)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->keys[i].key_id, key_id) == 0)
            return &keys->keys[i];
    }
    return NULL;
}

const struct server_key *server_keys_find_current(const struct server_keys *keys,
                                                  const char *key_id, int64_t now_ms)
{
    const struct server_key *key = server_keys_find(keys, key_id);

    if (key == NULL || key->key.is_expired || keys->valid_until_ts < now_ms)
        return NULL;
    return key;
}

static json_t *public_key_json(const struct ed25519_public_key *key)
{
    char text[ED25519_PUBLIC_KEY_CHARS + 1];

    base64_encode_into(text, key->bytes, sizeof(key->bytes), BASE64_STANDARD);
    return json_pack("{s:s}", "key", text);
}

json_t *server_keys_build(struct arena *arena, const struct own_server_keys *own)
{
    json_t *current = json_object(), *old = json_object();
    json_t *json =
        json_pack("{s:s, s:I, s:o, s:o}", "server_name", own->server_name, "valid_until_ts",
                  (json_int_t)own->valid_until_ts, "verify_keys", current, "old_verify_keys", old);

    for (size_t i = 0; i < own->current_count; i++)
        json_object_set_new(current, own->current[i].key_id,
                            public_key_json(&own->current[i].pair.public_key));
    for (size_t i = 0; i < own->old_count; i++) {
        json_t *entry = public_key_json(&own->old[i].public_key);
        json_object_set_new(entry, "expired_ts", json_integer(own->old[i].expired_ts));
        json_object_set_new(old, own->old[i].key_id, entry);
    }
    for (size_t i = 0; i < own->current_count; i++) {
        /* Fails for deep nesting only, which this document does not have. */
        (void)!signing_json_sign(json, own->server_name, &own->current[i]);
    }
    return json_on_arena(arena, json);
}
