/*
 * Answers questions about auth rules and state resolution, one JSON object per line, so that
 * run_rules.py can compare the answers with those of another implementation.
 *
 *   {"op": "resolve", "version": "11", "events": [EVENT …], "sets": [[event ID …] …]}
 *       -> {"state": [event ID …]}
 *   {"op": "auth", "version": "11", "event": EVENT, "state": [EVENT …]}
 *       -> {"allowed": true, "why": null}
 *   {"op": "auth_events", "version": "11", "event": EVENT, "state": [EVENT …]}
 *       -> {"allowed": true, "why": null}
 *
 * EVENT is {"event_id": …, "rejected": false, "pdu": {…}}. Each resolution is done four times: with
 * and without the index, and with the sets in reverse order; they must agree.
 */
#include <jansson.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/auth_rules.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/protocol/state_map.h"
#include "homeserver/protocol/state_resolution.h"
#include "tests/support/memory_room.h"

static NORETURN void give_up(const char *what)
{
    fprintf(stderr, "oracle_rules: %s\n", what);
    exit(2);
}

static const struct event *read_event(struct arena *arena, const struct room_version *version,
                                      const json_t *json)
{
    char *bytes = json_dumps(json_object_get(json, "pdu"), JSON_COMPACT);
    const struct event *parsed;

    if (bytes == NULL || event_parse_stored(arena, version, json_get_string(json, "event_id"),
                                            bytes, strlen(bytes), &parsed) != OK) {
        fprintf(stderr, "%s\n", bytes != NULL ? bytes : "?");
        give_up("an event does not have the format of its room version");
    }
    free(bytes);
    struct event *event = arena_memdup(arena, parsed, sizeof(*parsed));
    event->rejected = json_get_bool(json, "rejected", false);
    return event;
}

static struct memory_room *read_room(struct arena *arena, const struct room_version *version,
                                     const json_t *events)
{
    struct memory_room *room = memory_room_create(arena);
    size_t i;
    json_t *json;

    json_array_foreach (events, i, json) {
        memory_room_add(room, read_event(arena, version, json));
    }
    return room;
}

static struct state_map *read_set(struct memory_room *room, const json_t *ids)
{
    struct state_map *set = NULL;
    size_t i;
    json_t *id;

    json_array_foreach (ids, i, id) {
        memory_room_apply(room, &set, memory_room_ref(room, json_string_value(id)));
    }
    return set;
}

/* As a test of third-party invites needs real keys, none is signed here; the other side agrees. */
static bool never_signed(void *context, const struct event *member, const struct event *invite)
{
    (void)context;
    (void)member;
    (void)invite;
    return false;
}

static bool always_signed(void *context, const struct event *member)
{
    (void)context;
    (void)member;
    return true;
}

static const struct auth_signatures signatures = {never_signed, always_signed, NULL};

static struct state_map *resolve(struct memory_room *room, const struct room_version *version,
                                 struct state_map *const *sets, size_t count)
{
    const struct state_resolution request = {
        .version = version,
        .state_sets = sets,
        .set_count = count,
        .source = &room->source,
        .signatures = &signatures,
    };
    struct state_map *resolved;

    if (state_resolution_resolve(room->arena, &request, &resolved) != OK)
        give_up("a resolution failed");
    return resolved;
}

static bool notice_difference(void *context, int64_t key, int64_t old_value, int64_t new_value)
{
    (void)key;
    (void)old_value;
    (void)new_value;
    *(bool *)context = true;
    return false;
}

static struct state_map *resolve_in_all_ways(struct memory_room *room,
                                             const struct room_version *version,
                                             struct state_map **sets, size_t count)
{
    struct state_map *result = resolve(room, version, sets, count);

    for (int way = 1; way < 4; way++) {
        bool differs = false;
        memory_room_use_index(room, way % 2 == 0);
        for (size_t i = 0; way == 2 && i < count / 2; i++) {
            struct state_map *other = sets[i];
            sets[i] = sets[count - 1 - i];
            sets[count - 1 - i] = other;
        }
        struct state_map *again = resolve(room, version, sets, count);
        state_map_diff(result, again, notice_difference, &differs);
        if (differs)
            give_up("the order of the sets, or the index, changed the result");
        state_map_release(again);
    }
    return result;
}

struct id_list {
    const struct memory_room *room;
    json_t *ids;
};

static bool add_id(void *context, int64_t key, int64_t ref)
{
    struct id_list *list = context;

    (void)key;
    json_array_append_new(list->ids, json_string(memory_room_event(list->room, ref)->event_id));
    return true;
}

static json_t *answer_resolve(struct arena *arena, const struct room_version *version,
                              const json_t *question)
{
    struct memory_room *room = read_room(arena, version, json_object_get(question, "events"));
    const json_t *set_list = json_object_get(question, "sets");
    size_t count = json_array_size(set_list);
    struct state_map **sets = ARENA_ARRAY(arena, count, struct state_map *);
    struct id_list list = {room, json_array()};

    for (size_t i = 0; i < count; i++)
        sets[i] = read_set(room, json_array_get(set_list, i));
    struct state_map *resolved = resolve_in_all_ways(room, version, sets, count);
    state_map_visit(resolved, add_id, &list);
    state_map_release(resolved);
    for (size_t i = 0; i < count; i++)
        state_map_release(sets[i]);
    return json_pack("{s:o}", "state", list.ids);
}

static const struct event *find_in_list(void *context, const char *type, const char *state_key)
{
    const struct memory_room *room = context;

    for (size_t i = 0; i < room->events.count; i++) {
        if (event_is(room->events.items[i], type, state_key))
            return room->events.items[i];
    }
    return NULL;
}

static json_t *answer_auth(struct arena *arena, const struct room_version *version,
                           const json_t *question)
{
    struct memory_room *room = read_room(arena, version, json_object_get(question, "state"));
    const struct event *event = read_event(arena, version, json_object_get(question, "event"));
    const struct auth_state state = {
        .lookup = find_in_list,
        .context = room,
        .create = find_in_list(room, "m.room.create", ""),
        .signatures = &signatures,
    };
    const char *why;
    bool allowed = auth_rules_check(event, &state, &why);

    return json_pack("{s:b, s:s?}", "allowed", allowed, "why", why);
}

static json_t *answer_auth_events(struct arena *arena, const struct room_version *version,
                                  const json_t *question)
{
    struct memory_room *room = read_room(arena, version, json_object_get(question, "state"));
    const struct event *event = read_event(arena, version, json_object_get(question, "event"));
    const char *why;
    bool allowed =
        auth_rules_check_auth_events(event, room->events.items, room->events.count, &why);

    return json_pack("{s:b, s:s?}", "allowed", allowed, "why", why);
}

static json_t *answer(struct arena *arena, const json_t *question)
{
    const struct room_version *version = room_version_find(json_get_string(question, "version"));
    const char *op = json_get_string(question, "op");

    if (op == NULL || version == NULL)
        give_up("a question lacks `op` or `version`");
    if (strcmp(op, "resolve") == 0)
        return answer_resolve(arena, version, question);
    if (strcmp(op, "auth") == 0)
        return answer_auth(arena, version, question);
    if (strcmp(op, "auth_events") == 0)
        return answer_auth_events(arena, version, question);
    give_up("unknown `op`");
}

int main(void)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    char *line = NULL;
    size_t capacity = 0;

    while (getline(&line, &capacity, stdin) > 0) {
        json_t *question = json_loads(line, JSON_ALLOW_NUL, NULL);
        if (question == NULL)
            give_up("a line is not JSON");
        json_t *reply = answer(arena, question);
        json_dumpf(reply, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(reply);
        json_decref(question);
        arena_reset(arena);
    }
    free(line);
    return 0;
}
