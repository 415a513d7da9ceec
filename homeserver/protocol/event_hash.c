/*
 * Content hash and reference hash.
 * Spec: server-server API, "Calculating the content hash for an event" and "Calculating the
 * reference hash for an event".
 */
#include "homeserver/protocol/event_hash.h"

#include <string.h>

#include "homeserver/base/base64.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/redaction.h"

enum { HASH_CHARS = 43 };

static enum errcode hash_without(const json_t *object, const char *const *omitted,
                                 uint8_t out[SHA256_BYTES])
{
    SCOPED(strbuf_finish) struct strbuf bytes;

    strbuf_init(&bytes, 0);
    TRY(canonical_json_write_without(object, omitted, CANONICAL_JSON_LEGACY, &bytes, NULL));
    sha256(bytes.data, bytes.length, out);
    return OK;
}

enum errcode event_content_hash(const json_t *event, uint8_t out[SHA256_BYTES])
{
    static const char *const omitted[] = {"unsigned", "signatures", "hashes", NULL};

    return hash_without(event, omitted, out);
}

bool event_content_hash_matches(const json_t *event)
{
    const char *text = json_get_string(json_get_object(event, "hashes"), "sha256");
    uint8_t computed[SHA256_BYTES], claimed[SHA256_BYTES];

    return base64_decode_exactly(claimed, sizeof(claimed), text) &&
           event_content_hash(event, computed) == OK &&
           memcmp(claimed, computed, sizeof(claimed)) == 0;
}

enum errcode event_add_content_hash(json_t *event)
{
    uint8_t hash[SHA256_BYTES];
    char text[HASH_CHARS + 1];

    TRY(event_content_hash(event, hash));
    base64_encode_into(text, hash, sizeof(hash), BASE64_STANDARD);
    json_object_set_new(event, "hashes", json_pack("{s:s}", "sha256", text));
    return OK;
}

enum errcode event_reference_hash(const struct room_version *version, const json_t *event,
                                  uint8_t out[SHA256_BYTES])
{
    static const char *const omitted[] = {"unsigned", "signatures", NULL};
    SCOPED(json_decrefp) json_t *redacted = redaction_apply(version, event);

    return hash_without(redacted, omitted, out);
}
