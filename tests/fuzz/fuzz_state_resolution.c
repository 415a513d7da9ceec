/*
 * Bytes that tell a room: its events cite each other in any way, circles included, and the state
 * sets hold any of them. Every algorithm ends, gives the same state for every order of the sets and
 * with and without the index, and keeps what the sets agree on.
 */
#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/protocol/state_map.h"
#include "homeserver/protocol/state_resolution.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/builders.h"
#include "tests/support/memory_room.h"

enum { EVENTS_MAX = 40, SETS = 3, AUTH_MAX = 4 };

static const char *const users[] = {"@a:one", "@b:one", "@c:two", "@d:two"};

/* What an event can be; the state key of members is one of the users. */
static const struct {
    const char *type;
    bool is_member;
    const char *content;
} kinds[] = {
    {"m.room.member", true, "{'membership': 'join'}"},
    {"m.room.member", true, "{'membership': 'join', 'join_authorised_via_users_server': '@b:one'}"},
    {"m.room.member", true, "{'membership': 'invite'}"},
    {"m.room.member", true, "{'membership': 'leave'}"},
    {"m.room.member", true, "{'membership': 'ban'}"},
    {"m.room.member", true, "{'membership': 'knock'}"},
    {"m.room.power_levels", false, "{'users': {'@a:one': 100, '@b:one': 50}}"},
    {"m.room.power_levels", false, "{'users': {'@b:one': 100}, 'users_default': 60}"},
    {"m.room.power_levels", false, "{'users': {'@c:two': 50}, 'state_default': 0}"},
    {"m.room.join_rules", false, "{'join_rule': 'public'}"},
    {"m.room.join_rules", false, "{'join_rule': 'restricted'}"},
    {"m.room.join_rules", false, "{'join_rule': 'invite'}"},
    {"m.room.topic", false, "{}"},
    {"m.room.name", false, "{}"},
    {"m.room.create", false, "{'creator': '@a:one'}"},
};

struct bytes {
    const uint8_t *data;
    size_t size;
};

static unsigned take(struct bytes *bytes)
{
    if (bytes->size == 0)
        return 0;
    bytes->size--;
    return *bytes->data++;
}

static void add_event(struct memory_room *room, const struct room_version *version, size_t number,
                      struct bytes *bytes)
{
    size_t kind = take(bytes) % COUNT_OF(kinds);
    const char **auth_events = ARENA_ARRAY(room->arena, AUTH_MAX, const char *);
    unsigned who = take(bytes), when = take(bytes);
    struct event_parts parts = {
        .event_id = arena_printf(room->arena, "$%zu:one", number),
        .room_id = version->room_id_is_create_hash ? "!0:one" : "!room:one",
        .type = kinds[kind].type,
        .sender = users[who % COUNT_OF(users)],
        .state_key = kinds[kind].is_member ? users[who / 16 % COUNT_OF(users)] : "",
        .content = kinds[kind].content,
        .origin_server_ts = when % 16,
        .depth = when / 16,
        .auth_events = auth_events,
        .auth_event_count = number > 0 ? AUTH_MAX : 0,
    };

    if (number == 0) {
        parts.type = "m.room.create";
        parts.state_key = "";
        parts.sender = users[0];
        parts.content = "{'creator': '@a:one'}";
    }
    /* Mostly what came before, sometimes what does not exist yet, or never will. */
    for (size_t i = 0; i < parts.auth_event_count; i++)
        auth_events[i] =
            arena_printf(room->arena, "$%zu:one", i == 0 ? 0 : take(bytes) % (number + 2));
    struct event *event = build_event(room->arena, version, &parts);
    event->rejected = number > 0 && when == 255;
    memory_room_add(room, event);
}

static struct state_map *resolve(struct memory_room *room, const struct room_version *version,
                                 struct state_map *const *sets)
{
    const struct state_resolution request = {
        .version = version, .state_sets = sets, .set_count = SETS, .source = &room->source};
    struct state_map *resolved = NULL;

    MUST(state_resolution_resolve(room->arena, &request, &resolved) == OK);
    return resolved;
}

static bool must_not_differ(void *context, int64_t key, int64_t old_value, int64_t new_value)
{
    (void)context;
    (void)key;
    MUST(old_value == new_value);
    return true;
}

struct agreement {
    struct state_map *const *sets;
    const struct state_map *resolved;
};

static bool must_be_kept(void *context, int64_t key, int64_t value)
{
    const struct agreement *agreement = context;
    bool agreed = true;

    for (size_t i = 1; i < SETS; i++)
        agreed = agreed && state_map_get(agreement->sets[i], key) == value;
    MUST(!agreed || state_map_get(agreement->resolved, key) == value);
    return true;
}

static void check_resolution(struct memory_room *room, const struct room_version *version,
                             struct state_map **sets)
{
    struct state_map *resolved = resolve(room, version, sets);
    struct agreement agreement = {sets, resolved};

    state_map_visit(sets[0], must_be_kept, &agreement);
    for (int i = 0; i < 2; i++) {
        struct state_map *first = sets[0];
        sets[0] = sets[1];
        sets[1] = sets[2];
        sets[2] = first;
        memory_room_use_index(room, i == 1);
        struct state_map *again = resolve(room, version, sets);
        state_map_diff(resolved, again, must_not_differ, NULL);
        state_map_release(again);
    }
    state_map_release(resolved);
}

static void check_version(const struct room_version *version, struct bytes bytes)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct memory_room *room = memory_room_create(arena);
    struct state_map *sets[SETS] = {0};
    size_t count = 1 + take(&bytes) % EVENTS_MAX;

    for (size_t i = 0; i < count; i++)
        add_event(room, version, i, &bytes);
    memory_room_index(room);
    for (size_t i = 0; i < SETS; i++) {
        memory_room_apply(room, &sets[i], 1);
        for (size_t j = 0; j < 8; j++)
            memory_room_apply(room, &sets[i], (int64_t)(take(&bytes) % count) + 1);
    }
    check_resolution(room, version, sets);
    for (size_t i = 0; i < SETS; i++)
        state_map_release(sets[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bytes bytes = {data, size};
    static const char *const versions[] = {"1", "2", "11", "12"};

    for (size_t i = 0; i < COUNT_OF(versions); i++)
        check_version(room_version_find(versions[i]), bytes);
    return 0;
}
