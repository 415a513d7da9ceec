/*
 * Cutting client events never reads past the bytes it is given, whatever they are; from the
 * canonical form of an object it makes canonical JSON.
 */
#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/client_event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"
#include "tests/fuzz/fuzz.h"

static void must_be_canonical(struct arena *arena, const struct strbuf *bytes)
{
    SCOPED(strbuf_finish) struct strbuf again;
    json_t *json;

    strbuf_init(&again, 0);
    MUST(json_parse(arena, bytes->data, bytes->length, NULL, &json) == OK);
    MUST(canonical_json_write(json, CANONICAL_JSON_LEGACY, &again, NULL) == OK);
    MUST(again.length == bytes->length && memcmp(again.data, bytes->data, again.length) == 0);
}

static void cut(struct arena *arena, const char *bytes, size_t size, bool is_canonical)
{
    const struct client_event_unsigned members = {
        .has_age = true, .membership = "join", .relations_json = "{}", .transaction_id = "t"};
    struct client_event_options options = {
        .event_id = "$e", .room_id = "!r", .unsigned_members = &members};
    SCOPED(strbuf_finish) struct strbuf out;

    strbuf_init(&out, 0);
    for (unsigned i = 0; i < 4; i++) {
        options.version = room_version_find(i % 2 == 0 ? "10" : "11");
        options.format = i < 2 ? CLIENT_EVENT_FORMAT_CLIENT : CLIENT_EVENT_FORMAT_FEDERATION;
        strbuf_truncate(&out, 0);
        if (client_event_write(&out, bytes, size, &options) == OK && is_canonical)
            must_be_canonical(arena, &out);
    }
    strbuf_truncate(&out, 0);
    if (client_event_write_stripped(&out, bytes, size, true) == OK && is_canonical)
        must_be_canonical(arena, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    SCOPED(strbuf_finish) struct strbuf bytes;
    json_t *json;

    strbuf_init(&bytes, 0);
    cut(arena, (const char *)data, size, false);
    if (json_parse_object(arena, (const char *)data, size, NULL, &json) != OK)
        return 0;
    MUST(canonical_json_write(json, CANONICAL_JSON_LEGACY, &bytes, NULL) == OK);
    cut(arena, bytes.data, bytes.length, true);
    return 0;
}
