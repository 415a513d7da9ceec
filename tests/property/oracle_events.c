/*
 * Answers questions about events, one JSON object per line:
 *     {"version": "10", "input": "<the event as JSON text>"}
 * with what our code makes of it:
 *     {"redacted": "<canonical JSON>", "content_hash": …, "reference_hash": …, "event_id": …,
 *      "signature": "…"}
 * or {"error": "…"}. reference_events.py answers the same questions with Synapse's code.
 */
#include "homeserver/base/arena.h"
#include "homeserver/base/base64.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/event_hash.h"
#include "homeserver/protocol/event_id.h"
#include "homeserver/protocol/event_signature.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/redaction.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/protocol/signing_json.h"

static enum errcode describe_redacted(struct arena *arena, const struct room_version *version,
                                      const json_t *event, json_t *answer, struct error *error)
{
    SCOPED(strbuf_finish) struct strbuf bytes;
    const json_t *redacted = json_on_arena(arena, redaction_apply(version, event));

    strbuf_init(&bytes, 0);
    TRY(canonical_json_write(
        redacted, version->strict_canonical_json ? CANONICAL_JSON_STRICT : CANONICAL_JSON_LEGACY,
        &bytes, error));
    json_object_set_new(answer, "redacted", json_stringn(bytes.data, bytes.length));
    return OK;
}

static enum errcode describe_hashes(struct arena *arena, const struct room_version *version,
                                    const json_t *event, json_t *answer)
{
    uint8_t hash[SHA256_BYTES];
    const char *event_id;

    TRY(event_content_hash(event, hash));
    json_object_set_new(answer, "content_hash",
                        json_string(base64_encode(arena, hash, sizeof(hash), BASE64_STANDARD)));
    TRY(event_reference_hash(version, event, hash));
    json_object_set_new(answer, "reference_hash",
                        json_string(base64_encode(arena, hash, sizeof(hash), BASE64_STANDARD)));
    TRY(event_id_of(arena, version, event, &event_id));
    json_object_set_new(answer, "event_id", json_string(event_id));
    return OK;
}

/* With the key of the appendix "Cryptographic Test Vectors". */
static enum errcode describe_signature(const struct room_version *version, json_t *event,
                                       json_t *answer)
{
    static const char seed_text[] = "YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1";
    struct signing_key key = {.key_id = "ed25519:1"};
    uint8_t seed[ED25519_SEED_BYTES];
    size_t size;

    if (!base64_decode_into(seed, sizeof(seed), &size, seed_text, strlen(seed_text),
                            BASE64_STANDARD))
        return E_SYSTEM;
    ed25519_key_pair_from_seed(&key.pair, seed);
    TRY(event_sign(version, event, "domain", &key));
    json_object_set_new(answer, "signature",
                        json_string(signing_json_signature(event, "domain", "ed25519:1")));
    return OK;
}

static enum errcode answer_question(struct arena *arena, const char *line, json_t *answer,
                                    struct error *error)
{
    json_t *question, *event;

    TRY(json_parse_object(arena, line, strlen(line), error, &question));
    const struct room_version *version = room_version_find(json_get_string(question, "version"));
    const json_t *input = json_object_get(question, "input");
    if (version == NULL || !json_is_string(input))
        return fail(error, M_BAD_JSON, "not a question");
    TRY(json_parse_object(arena, json_string_value(input), json_string_length(input), error,
                          &event));
    TRY(describe_redacted(arena, version, event, answer, error));
    TRY(describe_hashes(arena, version, event, answer));
    return describe_signature(version, event, answer);
}

int main(void)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    char *line = NULL;
    size_t capacity = 0;

    while (getline(&line, &capacity, stdin) > 0) {
        struct error error = {0};
        json_t *answer = json_on_arena(arena, json_object());
        if (answer_question(arena, line, answer, &error) != OK) {
            json_object_clear(answer);
            json_object_set_new(answer, "error", json_string(error.text));
        }
        json_dumpf(answer, stdout, JSON_COMPACT | JSON_SORT_KEYS);
        putchar('\n');
        arena_reset(arena);
    }
    free(line);
    return 0;
}
