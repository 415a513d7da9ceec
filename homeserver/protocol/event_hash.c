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

static const char *const not_hashed[] = {"unsigned", "signatures", "hashes", NULL};

enum errcode event_content_hash(const json_t *event, uint8_t out[SHA256_BYTES])
{
    return hash_without(event, not_hashed, out);
}

static bool is_claimed(const json_t *event, const uint8_t computed[SHA256_BYTES])
{
    const char *text = json_get_string(json_get_object(event, "hashes"), "sha256");
    uint8_t claimed[SHA256_BYTES];

    return base64_decode_exactly(claimed, sizeof(claimed), text) &&
           memcmp(claimed, computed, sizeof(claimed)) == 0;
}

bool event_content_hash_matches(const json_t *event)
{
    uint8_t computed[SHA256_BYTES];

    return event_content_hash(event, computed) == OK && is_claimed(event, computed);
}

static bool is_not_hashed(struct json_span name)
{
    for (size_t i = 0; not_hashed[i] != NULL; i++) {
        if (json_span_equals(name, not_hashed[i]))
            return true;
    }
    return false;
}

bool event_content_hash_matches_bytes(const json_t *event, struct json_span canonical)
{
    SCOPED(strbuf_finish) struct strbuf bytes;
    uint8_t computed[SHA256_BYTES];
    struct json_scan scan;
    struct json_member member;

    strbuf_init(&bytes, 0);
    strbuf_add_char(&bytes, '{');
    json_scan_start(&scan, canonical);
    while (json_scan_next(&scan, &member)) {
        if (is_not_hashed(member.name))
            continue;
        strbuf_add_separator(&bytes);
        /* With the quotes and the colon between the two. */
        strbuf_add(&bytes, member.name.bytes - 1, member.name.size + member.value.size + 3);
    }
    strbuf_add_char(&bytes, '}');
    sha256(bytes.data, bytes.length, computed);
    return !scan.failed && is_claimed(event, computed);
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
