/* Where the branches of a room's graph meet. */
#include "homeserver/rooms/branches.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/state_resolution.h"
#include "homeserver/rooms/resolve_state.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/services.h"
#include "storage/events.h"

static void release_map_deferred(void *map)
{
    state_map_release(map);
}

static void release_head_deferred(void *head)
{
    room_head_release(head);
}

/* Most branches of a room share their state: the cache of snapshots gives them the same map. */
static void add_state(struct state_list *states, struct state_map *state)
{
    for (size_t i = 0; i < states->count; i++) {
        if (states->items[i] == state)
            return;
    }
    states->items[states->count++] = state;
}

/* One resolution takes STATE_SETS_MAX states. More than that many branches, each with a state of
 * its own, are the work of somebody who floods: they are resolved one armful after the other. */
enum errcode branches_merge(struct call *call, struct room *room, const struct state_list *states,
                            const struct fresh_event *fresh, struct state_map **out)
{
    struct state_list distinct = {
        .items = ARENA_ARRAY(call->arena, states->count, struct state_map *),
    };
    size_t done = 0;

    for (size_t i = 0; i < states->count; i++)
        add_state(&distinct, states->items[i]);
    while (distinct.count - done > 1) {
        size_t rest = distinct.count - done;
        const struct resolve_request request = {
            .room = room,
            .states = &distinct.items[done],
            .count = rest < STATE_SETS_MAX ? rest : STATE_SETS_MAX,
            .fresh = fresh->event,
            .fresh_nid = fresh->event_nid,
        };
        done += request.count - 1;
        TRY(room_resolve_states(call, &request, &distinct.items[done]));
    }
    *out = distinct.items[done];
    return OK;
}

enum errcode branches_state(struct call *call, struct room *room, const char *ends,
                            const struct fresh_event *fresh, struct state_map **out)
{
    struct stored_event *stored;
    size_t count, found;
    const char **ids = head_ends_split(call->arena, ends, &count);
    struct state_list states = {
        .items = ARENA_ARRAY(call->arena, count + 1, struct state_map *),
    };

    if (fresh->event != NULL)
        add_state(&states, fresh->after);
    TRY(events_load_by_ids(call->db, call->arena, ids, count, &stored, &found));
    for (size_t i = 0; i < found; i++) {
        struct state_map *after;
        if (stored[i].room_nid != room_nid(room) ||
            (fresh->event != NULL && strcmp(stored[i].event_id, fresh->event->event_id) == 0))
            continue;
        TRY(room_state_after(call, room, &stored[i], &after));
        add_state(&states, after);
    }
    return branches_merge(call, room, &states, fresh, out);
}

static const char *join_ids(struct arena *arena, const char *const *ids, size_t count)
{
    const char *text = ids[0];

    for (size_t i = 1; i < count; i++)
        text = arena_printf(arena, "%s\n%s", text, ids[i]);
    return text;
}

enum errcode branches_base(struct call *call, const struct room_build *build,
                           struct room_head **out)
{
    static const struct fresh_event none = {0};
    struct room_head *head = build->head;
    struct state_map *state;
    size_t count;
    const char **ids = head_ends_split(call->arena, head->extremities, &count);

    *out = head;
    if (count <= PREV_EVENTS_MAX)
        return OK;
    /* What was built a moment ago may still be on its way to the database. */
    TRY(rooms_flush(call));
    const char *named = join_ids(call->arena, ids, PREV_EVENTS_MAX);
    TRY(branches_state(call, build->room, named, &none, &state));
    const struct stored_head stored = {
        .version = head->version,
        .depth = head->depth,
        .extremities = named,
        .is_partial = head->is_partial,
        .completed_position = head->completed_position,
    };
    struct room_head *base =
        room_head_create(&stored, (struct snapshot_ref){0}, state_map_acquire(state));
    arena_defer(call->arena, release_head_deferred, base);
    base->members = head->members;
    TRY(room_head_load_events(call, build->room, base));
    *out = base;
    return OK;
}

enum errcode branches_place(struct call *call, const struct room_build *build,
                            const struct room_head *base, const struct built_event *built,
                            struct graph_place *out)
{
    struct room_service *service = call->services->rooms;
    struct fresh_event fresh = {.event = built->event, .after = base->state};

    *out = (struct graph_place){.before = base->state};
    TRY(nid_next_event(room_service_nids(service), call->db, &out->event_nid));
    fresh.event_nid = out->event_nid;
    if (event_is_state(built->event)) {
        TRY(state_key_intern(room_service_state_keys(service), call->db, built->event->type,
                             built->event->state_key, &out->state_key_nid));
        fresh.after = state_map_set(base->state, out->state_key_nid, out->event_nid);
        arena_defer(call->arena, release_map_deferred, fresh.after);
    }
    const struct head_step step = {
        .event_id = built->event->event_id,
        .named = built->event->prev_events,
        .named_count = built->event->prev_event_count,
    };
    char *extremities = head_extremities_after(build->head, &step);
    arena_defer(call->arena, free, extremities);
    out->extremities = extremities;
    return branches_state(call, build->room, extremities, &fresh, &out->after);
}
