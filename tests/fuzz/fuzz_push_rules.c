/*
 * {"rules": stored form, "event": {…}}: rules survive storing, evaluation stays within its budget,
 * and rules whose scopes do not name the event change nothing.
 */
#include "homeserver/base/arena.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/push_rules.h"
#include "tests/fuzz/fuzz.h"

static const char ME[] = "@me:one";

static struct push_outcome evaluate(struct arena *arena, const struct push_rules *rules,
                                    const struct event *event)
{
    struct push_person person = {
        .user_id = ME, .display_name = "Me*", .steps_left = PUSH_STEPS_MAX};
    struct push_context context;

    push_context_init(&context, arena, event);
    context.member_count = 2;
    return push_rules_evaluate(rules, &context, &person);
}

static bool names_event(const struct push_rules *rules, struct arena *arena,
                        const struct event *event)
{
    size_t count;
    const char **scopes = push_rules_scopes(rules, arena, &count);

    for (size_t i = 0; i < count; i++) {
        if (scopes[i][0] == '\0' || strcmp(scopes[i], event->room_id) == 0 ||
            strcmp(scopes[i], event->sender) == 0)
            return true;
    }
    return false;
}

/* event_match takes no notice of case, scopes do (push_evaluation.c): only where there is no case
 * at all must they agree. */
static bool has_no_case(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] >= 0x80 || data[i] == '\\' || (data[i] >= 'A' && data[i] <= 'Z'))
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *json;

    if (json_parse_object(arena, (const char *)data, size, NULL, &json) != OK)
        return 0;
    struct push_rules *rules = push_rules_parse(arena, json_get_object(json, "rules"));
    json_t *stored = json_on_arena(arena, push_rules_to_stored(rules));
    struct push_rules *again = push_rules_parse(arena, stored);
    MUST(json_equal(stored, json_on_arena(arena, push_rules_to_stored(again))));
    MUST(json_equal(json_on_arena(arena, push_rules_to_client(rules, ME)),
                    json_on_arena(arena, push_rules_to_client(again, ME))));

    struct event event = {.json = json_get_object(json, "event")};
    event.room_id = json_get_string(event.json, "room_id");
    event.sender = json_get_string(event.json, "sender");
    event.content = json_get_object(event.json, "content");
    if (event.room_id == NULL || event.sender == NULL)
        return 0;
    unsigned flags = evaluate(arena, rules, &event).flags;
    MUST(evaluate(arena, again, &event).flags == flags);
    MUST(flags == 0 || (flags & PUSH_NOTIFY) != 0);
    if (has_no_case(data, size) && !names_event(rules, arena, &event))
        MUST(evaluate(arena, NULL, &event).flags == flags);
    return 0;
}
