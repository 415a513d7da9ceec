/* An event source in memory. */
#include "tests/support/memory_room.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/state_map.h"

static enum errcode find_event(void *context, int64_t ref, const struct event **out)
{
    struct memory_room *room = context;

    room->fetched++;
    *out = memory_room_event(room, ref);
    return OK;
}

static enum errcode find_ref(void *context, const char *event_id, int64_t *out)
{
    *out = memory_room_ref(context, event_id);
    return OK;
}

static enum errcode find_key(void *context, const char *type, const char *state_key, int64_t *out)
{
    *out = memory_room_key(context, type, state_key);
    return OK;
}

static enum errcode find_citing(void *context, int64_t ref, const int64_t **refs_out, size_t *count)
{
    const struct memory_room *room = context;

    *refs_out = room->cited_by.items[ref - 1].items;
    *count = room->cited_by.items[ref - 1].count;
    return OK;
}

static enum errcode note_prefetch(void *context, const int64_t *refs, size_t count)
{
    (void)context;
    return count > 0 && refs[0] > 0 ? OK : E_SYSTEM;
}

struct memory_room *memory_room_create(struct arena *arena)
{
    struct memory_room *room = ARENA_NEW(arena, struct memory_room);

    room->arena = arena;
    room->refs = map_create(arena);
    room->keys = map_create(arena);
    room->source = (struct event_source){
        .context = room,
        .event = find_event,
        .event_ref = find_ref,
        .state_key = find_key,
    };
    memory_room_use_index(room, true);
    return room;
}

void memory_room_use_index(struct memory_room *room, bool use_index)
{
    room->source.cited_by = use_index ? find_citing : NULL;
    room->source.prefetch = use_index ? NULL : note_prefetch;
}

static void cite(struct memory_room *room, int64_t ref)
{
    const struct event *event = memory_room_event(room, ref);

    for (size_t i = 0; i < event->auth_event_count; i++) {
        int64_t cited = memory_room_ref(room, event->auth_events[i]);
        if (cited != 0)
            array_push(room->arena, &room->cited_by.items[cited - 1], ref);
    }
}

void memory_room_index(struct memory_room *room)
{
    for (size_t i = 0; i < room->cited_by.count; i++)
        room->cited_by.items[i].count = 0;
    for (size_t i = 0; i < room->events.count; i++)
        cite(room, (int64_t)i + 1);
}

int64_t memory_room_add(struct memory_room *room, const struct event *event)
{
    const struct citations none = {0};

    array_push(room->arena, &room->events, event);
    array_push(room->arena, &room->cited_by, none);
    int64_t ref = (int64_t)room->events.count;
    map_set(room->refs, event->event_id, (void *)(intptr_t)ref);
    cite(room, ref);
    return ref;
}

int64_t memory_room_ref(const struct memory_room *room, const char *event_id)
{
    return (int64_t)(intptr_t)map_get(room->refs, event_id);
}

const struct event *memory_room_event(const struct memory_room *room, int64_t ref)
{
    return ref > 0 && (size_t)ref <= room->events.count ? room->events.items[ref - 1] : NULL;
}

int64_t memory_room_key(struct memory_room *room, const char *type, const char *state_key)
{
    const char *name = arena_printf(room->arena, "%s\x1f%s", type, state_key);
    int64_t key = (int64_t)(intptr_t)map_get(room->keys, name);

    if (key == 0) {
        key = (int64_t)map_count(room->keys) + 1;
        map_set(room->keys, name, (void *)(intptr_t)key);
    }
    return key;
}

void memory_room_apply(struct memory_room *room, struct state_map **state, int64_t ref)
{
    const struct event *event = memory_room_event(room, ref);
    int64_t key = memory_room_key(room, event->type, event->state_key);

    state_map_put(state, key, ref);
}
