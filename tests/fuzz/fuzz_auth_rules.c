/*
 * {"event": PDU, "state": [PDU …]}: the rules of every version give a verdict, and a reason when it
 * is no; what the selection asks for is bounded and has no double.
 */
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/auth_events.h"
#include "homeserver/protocol/auth_rules.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"
#include "tests/fuzz/fuzz.h"

struct event_list {
    const struct event **items;
    size_t count;
    size_t capacity;
};

static const struct event *find(void *context, const char *type, const char *state_key)
{
    const struct event_list *list = context;

    for (size_t i = 0; i < list->count; i++) {
        if (event_is(list->items[i], type, state_key))
            return list->items[i];
    }
    return NULL;
}

static void check_selection(const struct event *event)
{
    struct state_key keys[AUTH_EVENT_KEYS_MAX];
    size_t count = auth_events_select(event, keys);

    MUST(count <= AUTH_EVENT_KEYS_MAX);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++)
            MUST(strcmp(keys[i].type, keys[j].type) != 0 ||
                 strcmp(keys[i].state_key, keys[j].state_key) != 0);
    }
}

static void check_rules(const struct event *event, struct event_list *list)
{
    const struct auth_state state = {
        .lookup = find,
        .context = list,
        .create = find(list, "m.room.create", ""),
        .signatures = &auth_signatures_verified_before,
    };
    const struct auth_state unsigned_state = {.lookup = find, .context = list};
    const char *why, *other_why;

    check_selection(event);
    bool allowed = auth_rules_check(event, &state, &why);
    MUST(allowed == (why == NULL));
    /* Fewer signatures never allow more. */
    MUST(!auth_rules_check(event, &unsigned_state, &other_why) || allowed);
    allowed = auth_rules_check_auth_events(event, list->items, list->count, &why);
    MUST(allowed == (why == NULL));
    if (list->count > 0)
        auth_rules_redaction_applies(event, list->items[0], &state);
}

static void check_version(struct arena *arena, const struct room_version *version, json_t *question)
{
    json_t *pdus = json_get_array(question, "state");
    struct event_list list = {0};
    const struct event *event;

    for (size_t i = 0; i < json_array_size(pdus); i++) {
        if (event_parse(arena, version, json_array_get(pdus, i), NULL, &event) == OK)
            array_push(arena, &list, event);
    }
    if (event_parse(arena, version, json_object_get(question, "event"), NULL, &event) == OK)
        check_rules(event, &list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *question;

    if (json_parse_object(arena, (const char *)data, size, NULL, &question) != OK)
        return 0;
    for (size_t i = 0; i < room_version_count; i++)
        check_version(arena, &room_versions[i], question);
    return 0;
}
