/* {"filter": {…}, "event": {…}}: what parses decides without contradicting itself. */
#include "homeserver/base/arena.h"
#include "homeserver/protocol/filter.h"
#include "homeserver/protocol/json.h"
#include "tests/fuzz/fuzz.h"

static void check_section(const struct event_filter *filter, const struct filter_subject *subject)
{
    bool passes = event_filter_passes(filter, subject);
    int64_t limit = event_filter_limit(filter, 10);

    MUST(limit >= 0 && limit <= FILTER_LIMIT_MAX);
    MUST(event_filter_can_pass(filter) || !passes || limit == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct filter *filter;
    struct error error;
    json_t *json, *event;

    error_clear(&error);
    if (json_parse_object(arena, (const char *)data, size, NULL, &json) != OK)
        return 0;
    if (filter_parse(arena, json_object_get(json, "filter"), &error, &filter) != OK) {
        MUST(error.text[0] != '\0');
        return 0;
    }
    event = json_get_object(json, "event");
    const struct filter_subject subject = {
        .room_id = json_get_string(event, "room_id"),
        .sender = json_get_string(event, "sender"),
        .type = json_get_string(event, "type") != NULL ? json_get_string(event, "type") : "",
        .content = json_get_object(event, "content"),
    };
    check_section(&filter->timeline, &subject);
    check_section(&filter->state, &subject);
    check_section(&filter->ephemeral, &subject);
    check_section(&filter->presence, &subject);
    if (event != NULL) {
        json_t *cut = json_on_arena(arena, filter_event_fields(filter, event));
        /* Cutting again takes nothing more away. */
        MUST(json_equal(cut, json_on_arena(arena, filter_event_fields(filter, cut))));
        MUST(json_object_size(cut) <= json_object_size(event));
    }
    return 0;
}
