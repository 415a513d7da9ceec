/*
 * Checks of the key documents of end-to-end encryption.
 * Spec: client-server API, "End-to-End Encryption": "Device keys", "One-time and fallback keys",
 * "Cross-signing".
 */
#include "homeserver/protocol/device_keys.h"

#include <string.h>

#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/signing_json.h"

/* What other servers refuse would block our queue to them: canonical JSON of limited size. */
static enum errcode check_size(const json_t *document, struct error *error)
{
    SCOPED(strbuf_finish) struct strbuf bytes;

    strbuf_init(&bytes, KEY_DOCUMENT_BYTES_MAX);
    return canonical_json_write(document, CANONICAL_JSON_STRICT, &bytes, error);
}

/* `<algorithm>:<id>`, both present. */
static bool is_key_id(const char *key_id)
{
    const char *colon = strchr(key_id, ':');

    return colon != NULL && colon > key_id && colon[1] != '\0' &&
           strlen(key_id) <= KEY_ID_BYTES_MAX;
}

static enum errcode check_owner(const json_t *document, const char *name, const char *expected,
                                struct error *error)
{
    const char *owner;

    TRY(json_require_string(document, name, error, &owner));
    if (strcmp(owner, expected) != 0)
        return fail(error, M_INVALID_PARAM, "The member \"%s\" of the keys is not yours.", name);
    return OK;
}

/* An object of key IDs and texts. */
static enum errcode check_keys(const json_t *document, struct error *error)
{
    const char *key_id;
    json_t *keys, *key;

    TRY(json_require_object(document, "keys", error, &keys));
    json_object_foreach (keys, key_id, key) {
        if (!is_key_id(key_id) || !json_is_text(key))
            return fail(error, M_BAD_JSON, "The member \"keys\" must map key IDs to keys.");
    }
    return OK;
}

/* An object of users, of key IDs, of texts. */
static enum errcode check_signatures(const json_t *signatures, struct error *error)
{
    const char *user_id, *key_id;
    json_t *by_user, *signature;
    bool is_sound = json_is_object(signatures);

    json_object_foreach ((json_t *)(uintptr_t)signatures, user_id, by_user) {
        is_sound &= json_is_object(by_user);
        json_object_foreach (by_user, key_id, signature) {
            is_sound &= json_is_text(signature);
        }
    }
    if (!is_sound)
        return fail(error, M_BAD_JSON, "The member \"signatures\" is not well-formed.");
    return OK;
}

static enum errcode check_algorithms(const json_t *document, struct error *error)
{
    json_t *algorithms;
    const json_t *algorithm;
    size_t i;

    TRY(json_require_array(document, "algorithms", error, &algorithms));
    json_array_foreach (algorithms, i, algorithm) {
        if (!json_is_text(algorithm))
            return fail(error, M_BAD_JSON, "The member \"algorithms\" must hold names.");
    }
    return OK;
}

enum errcode device_keys_check(const json_t *keys, const char *user_id, const char *device_id,
                               struct error *error)
{
    TRY(check_owner(keys, "user_id", user_id, error));
    TRY(check_owner(keys, "device_id", device_id, error));
    TRY(check_algorithms(keys, error));
    TRY(check_keys(keys, error));
    TRY(check_signatures(json_object_get(keys, "signatures"), error));
    return check_size(keys, error);
}

enum errcode one_time_key_check(const char *key_id, const json_t *key, struct error *error)
{
    const char *text;

    if (!is_key_id(key_id))
        return fail(error, M_BAD_JSON, "A one-time key is not named \"algorithm:id\".");
    if (!json_is_text(key)) {
        TRY(json_require_string(key, "key", error, &text));
        TRY(check_signatures(json_object_get(key, "signatures"), error));
    }
    return check_size(key, error);
}

const char *cross_signing_usage_text(enum cross_signing_usage usage)
{
    static const char *const texts[] = {
        [CROSS_SIGNING_MASTER] = "master",
        [CROSS_SIGNING_SELF_SIGNING] = "self_signing",
        [CROSS_SIGNING_USER_SIGNING] = "user_signing",
    };

    return texts[usage];
}

static bool has_usage(const json_t *document, const char *wanted)
{
    const json_t *usage;
    size_t i;

    json_array_foreach (json_get_array(document, "usage"), i, usage) {
        if (json_is_text(usage) && strcmp(json_string_value(usage), wanted) == 0)
            return true;
    }
    return false;
}

/* Exactly one key, named after itself. */
static enum errcode read_only_key(const json_t *document, struct error *error,
                                  struct cross_signing_key *out)
{
    static const char prefix[] = "ed25519:";
    json_t *keys;

    TRY(json_require_object(document, "keys", error, &keys));
    const char *key_id = json_object_iter_key(json_object_iter(keys));
    if (json_object_size(keys) != 1 || strncmp(key_id, prefix, strlen(prefix)) != 0)
        return fail(error, M_BAD_JSON, "A cross-signing key must hold one ed25519 key.");
    out->key_id = key_id;
    out->public_key = json_get_string(keys, key_id);
    if (!ed25519_public_key_decode(&out->key, out->public_key) ||
        strcmp(key_id + strlen(prefix), out->public_key) != 0)
        return fail(error, M_BAD_JSON, "A cross-signing key must be named after itself.");
    return OK;
}

enum errcode cross_signing_key_parse(const json_t *json, const char *user_id,
                                     enum cross_signing_usage usage, struct error *error,
                                     struct cross_signing_key *out)
{
    const char *text = cross_signing_usage_text(usage);
    const json_t *signatures = json_object_get(json, "signatures");
    struct cross_signing_key key = {.json = json};

    TRY(check_owner(json, "user_id", user_id, error));
    if (!has_usage(json, text))
        return fail(error, M_BAD_JSON, "The key is not meant for the usage \"%s\".", text);
    TRY(read_only_key(json, error, &key));
    if (signatures != NULL)
        TRY(check_signatures(signatures, error));
    TRY(check_size(json, error));
    *out = key;
    return OK;
}

bool is_signed_by_cross_signing_key(const json_t *document, const char *user_id,
                                    const struct cross_signing_key *key)
{
    return signing_json_verify(document, user_id, key->key_id, &key->key);
}

bool is_signed_by_device(const json_t *document, const char *user_id, const json_t *device_keys)
{
    const char *device_id = json_get_string(device_keys, "device_id");
    char key_id[KEY_ID_BYTES_MAX + 1];
    struct ed25519_public_key key;

    if (device_id == NULL ||
        snprintf(key_id, sizeof(key_id), "ed25519:%s", device_id) >= (int)sizeof(key_id))
        return false;
    const char *text = json_get_string(json_get_object(device_keys, "keys"), key_id);
    return ed25519_public_key_decode(&key, text) &&
           signing_json_verify(document, user_id, key_id, &key);
}
