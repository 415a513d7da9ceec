/* An event that a version accepts is stored, read back and checked again with the same outcome, and
 * what is cut from its bytes is what the rules make of its tree. */
#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_hash.h"
#include "homeserver/protocol/event_id.h"
#include "homeserver/protocol/event_signature.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/redaction.h"
#include "homeserver/protocol/room_version.h"
#include "tests/fuzz/fuzz.h"

/* With the right hash the bytes must match, not only with the wrong ones that are tried here. */
static void check_content_hash(struct arena *arena, const struct event *event)
{
    json_t *copy = json_on_arena(arena, json_deep_copy(event->json));
    SCOPED(strbuf_finish) struct strbuf bytes;

    strbuf_init(&bytes, 0);
    MUST(event_add_content_hash(copy) == OK);
    MUST(event_write_bytes(event->version, copy, &bytes, NULL) == OK);
    MUST(event_content_hash_matches_bytes(copy, (struct json_span){bytes.data, bytes.length}));
}

static void check_splices(struct arena *arena, const struct event *event, struct json_span bytes)
{
    static const char *const not_signed[] = {"signatures", NULL};
    json_t *redacted = json_on_arena(arena, redaction_apply(event->version, event->json));
    SCOPED(strbuf_finish) struct strbuf expected;
    SCOPED(strbuf_finish) struct strbuf spliced;
    const char *event_id;

    strbuf_init(&expected, 0);
    strbuf_init(&spliced, 0);
    MUST(canonical_json_write_without(redacted, not_signed, CANONICAL_JSON_LEGACY, &expected,
                                      NULL) == OK);
    redaction_splice(event->version, event->type, bytes, &spliced);
    MUST(strcmp(spliced.data, expected.data) == 0);
    MUST(event_id_of(arena, event->version, event->json, &event_id) == OK);
    MUST(strcmp(event_id, event->event_id) == 0);
    MUST(event_content_hash_matches_bytes(event->json, bytes) ==
         event_content_hash_matches(event->json));
    check_content_hash(arena, event);
}

static void check_event(struct arena *arena, const struct event *event)
{
    SCOPED(strbuf_finish) struct strbuf bytes;
    const struct event *stored, *again;
    const struct event_key_need *needs;
    json_t *json;

    strbuf_init(&bytes, EVENT_BYTES_MAX);
    MUST(event->room_id[0] == '!' && event->event_id[0] == '$' && event->sender[0] == '@');
    MUST(event_write_bytes(event->version, event->json, &bytes, NULL) == OK);
    check_splices(arena, event, (struct json_span){bytes.data, bytes.length});
    MUST(event_parse_stored(arena, event->version, event->event_id, bytes.data, bytes.length,
                            &stored) == OK);
    MUST(stored->depth == event->depth && stored->prev_event_count == event->prev_event_count);
    MUST(json_parse(arena, bytes.data, bytes.length, NULL, &json) == OK);
    MUST(event_parse(arena, event->version, json, NULL, &again) == OK);
    MUST(strcmp(again->event_id, event->event_id) == 0);
    event_needed_keys(arena, event, &needs);
    event_membership(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *json;

    if (json_parse(arena, (const char *)data, size, NULL, &json) != OK)
        return 0;
    for (size_t i = 0; i < room_version_count; i++) {
        const struct event *event;
        struct error error = {0};
        if (event_parse(arena, &room_versions[i], json, &error, &event) == OK)
            check_event(arena, event);
        else
            MUST(error.text[0] != '\0');
    }
    return 0;
}
