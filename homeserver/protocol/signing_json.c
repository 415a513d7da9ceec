/*
 * Signing and verifying JSON objects.
 * Spec: appendix "Signing JSON".
 */
#include "homeserver/protocol/signing_json.h"

#include "homeserver/base/base64.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/json.h"

static const char *const not_signed[] = {"signatures", "unsigned", NULL};

enum errcode signing_json_bytes(const json_t *object, struct strbuf *out)
{
    return canonical_json_write_without(object, not_signed, CANONICAL_JSON_LEGACY, out, NULL);
}

/* The member as an object that is there from now on. */
static json_t *ensure_object(json_t *object, const char *name)
{
    json_t *member = json_get_object(object, name);

    if (member == NULL) {
        member = json_object();
        json_object_set_new(object, name, member);
    }
    return member;
}

void signing_json_add_signature(json_t *object, const char *entity, const char *key_id,
                                const uint8_t signature[ED25519_SIGNATURE_BYTES])
{
    char text[ED25519_SIGNATURE_CHARS + 1];

    base64_encode_into(text, signature, ED25519_SIGNATURE_BYTES, BASE64_STANDARD);
    json_t *signatures = ensure_object(object, "signatures");
    json_object_set_new(ensure_object(signatures, entity), key_id, json_string(text));
}

enum errcode signing_json_sign(json_t *object, const char *entity, const struct signing_key *key)
{
    uint8_t signature[ED25519_SIGNATURE_BYTES];
    SCOPED(strbuf_finish) struct strbuf bytes;

    strbuf_init(&bytes, 0);
    TRY(signing_json_bytes(object, &bytes));
    ed25519_sign(&key->pair, bytes.data, bytes.length, signature);
    signing_json_add_signature(object, entity, key->key_id, signature);
    return OK;
}

const char *signing_json_signature(const json_t *object, const char *entity, const char *key_id)
{
    const json_t *signatures = json_get_object(object, "signatures");

    return json_get_string(json_get_object(signatures, entity), key_id);
}

bool signing_json_verify(const json_t *object, const char *entity, const char *key_id,
                         const struct ed25519_public_key *key)
{
    uint8_t signature[ED25519_SIGNATURE_BYTES];
    SCOPED(strbuf_finish) struct strbuf bytes;

    strbuf_init(&bytes, 0);
    return ed25519_signature_decode(signature, signing_json_signature(object, entity, key_id)) &&
           signing_json_bytes(object, &bytes) == OK &&
           ed25519_verify(key, bytes.data, bytes.length, signature);
}
