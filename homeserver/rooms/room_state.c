/* Lookups in room state: from (type, state_key) to the parsed event. */
#include "homeserver/rooms/room_state.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/rooms/snapshot_cache.h"
#include "homeserver/services.h"
#include "storage/room_jumps.h"
#include "storage/state_keys.h"
#include "storage/state_snapshots.h"

static void release_event_deferred(void *cached)
{
    cached_event_release(cached);
}

static void release_map_deferred(void *map)
{
    state_map_release(map);
}

enum errcode room_state_event_nid(struct call *call, const struct state_map *state,
                                  const struct state_key *key, int64_t *nid_out)
{
    int64_t key_nid;

    TRY(state_key_find(room_service_state_keys(call->services->rooms), call->db, key->type,
                       key->state_key, &key_nid));
    *nid_out = key_nid != 0 ? state_map_get(state, key_nid) : 0;
    return OK;
}

enum errcode room_state_event(struct call *call, struct room *room, const struct state_map *state,
                              const struct state_key *key, const struct event **out)
{
    struct cached_event *cached;
    int64_t event_nid;

    *out = NULL;
    TRY(room_state_event_nid(call, state, key, &event_nid));
    if (event_nid == 0)
        return OK;
    TRY(event_cache_load(room_service_events(call->services->rooms), call, room_version_of(room),
                         event_nid, &cached));
    arena_defer(call->arena, release_event_deferred, cached);
    *out = cached_event_get(cached);
    return OK;
}

enum errcode room_head_event(struct call *call, struct room *room, const struct room_head *head,
                             const struct state_key *key, const struct event **out)
{
    const struct cached_event *const at_hand[] = {head->create, head->power_levels,
                                                  head->join_rules, head->history_visibility};

    for (size_t i = 0; i < COUNT_OF(at_hand); i++) {
        const struct event *event = cached_event_get(at_hand[i]);
        if (event != NULL && event_is(event, key->type, key->state_key)) {
            *out = event;
            return OK;
        }
    }
    return room_state_event(call, room, head->state, key, out);
}

struct power_levels room_head_power_levels(const struct room *room, const struct room_head *head)
{
    return power_levels_of(room_version_of(room), cached_event_get(head->create),
                           cached_event_get(head->power_levels));
}

enum errcode room_head_membership(struct call *call, struct room *room,
                                  const struct room_head *head, const char *user_id,
                                  const char **out)
{
    const struct state_key key = {"m.room.member", user_id};
    const struct event *member;

    TRY(room_head_event(call, room, head, &key, &member));
    *out = member != NULL ? event_membership(member) : NULL;
    return OK;
}

const struct event *head_lookup_event(void *context, const char *type, const char *state_key)
{
    struct head_lookup *lookup = context;
    const struct event *event = NULL;
    enum errcode outcome = room_head_event(lookup->call, lookup->room, lookup->head,
                                           &(struct state_key){type, state_key}, &event);

    if (outcome != OK)
        lookup->failure = outcome;
    return event;
}

enum errcode room_state_of_snapshot(struct call *call, struct room *room, int64_t snapshot_nid,
                                    struct state_map **out)
{
    struct cache *cache = room_service_snapshots(call->services->rooms);
    struct snapshot_ref snapshot;
    struct room_head *head;

    TRY(room_committed_head(call, room, &head));
    if (head->snapshot.snapshot_nid == snapshot_nid) {
        *out = head->state;
        return OK;
    }
    *out = snapshot_cache_find(cache, snapshot_nid);
    if (*out == NULL) {
        TRY(snapshot_load(call->db, snapshot_nid, &snapshot, out));
        snapshot_cache_add(cache, snapshot_nid, *out);
    }
    arena_defer(call->arena, release_map_deferred, *out);
    return OK;
}

const struct event *map_lookup_event(void *context, const char *type, const char *state_key)
{
    struct map_lookup *lookup = context;
    const struct event *event = NULL;
    enum errcode outcome = room_state_event(lookup->call, lookup->room, lookup->state,
                                            &(struct state_key){type, state_key}, &event);

    if (outcome != OK)
        lookup->failure = outcome;
    return event;
}

enum errcode room_state_after(struct call *call, struct room *room,
                              const struct stored_event *event, struct state_map **out)
{
    struct state_map *before;

    TRY(room_state_of_snapshot(call, room, event->snapshot_nid, &before));
    *out = before;
    if (event->state_key_nid == 0 || (event->flags & EVENT_REJECTED) != 0)
        return OK;
    *out = state_map_set(before, event->state_key_nid, event->event_nid);
    arena_defer(call->arena, release_map_deferred, *out);
    return OK;
}

enum errcode room_state_at_arrival(struct call *call, struct room *room,
                                   const struct stored_event *event, struct state_map **out)
{
    struct room_jump jump;

    if ((event->flags & EVENT_JUMP) == 0)
        return room_state_of_snapshot(call, room, event->snapshot_nid, out);
    TRY(room_jump_load(call->db, call->arena, event->event_nid, &jump));
    return room_state_of_snapshot(call, room, jump.before_nid, out);
}

enum errcode room_state_from_arrival(struct call *call, struct room *room,
                                     const struct stored_event *event, struct state_map **out)
{
    struct room_jump jump;

    if ((event->flags & EVENT_JUMP) == 0)
        return room_state_after(call, room, event, out);
    TRY(room_jump_load(call->db, call->arena, event->event_nid, &jump));
    return room_state_of_snapshot(call, room, jump.after_nid, out);
}

struct state_entries {
    int64_t *keys;
    int64_t *event_nids;
    size_t count;
};

static bool collect_entry(void *context, int64_t key, int64_t event_nid)
{
    struct state_entries *entries = context;

    entries->keys[entries->count] = key;
    entries->event_nids[entries->count++] = event_nid;
    return true;
}

enum errcode room_state_of_type(struct call *call, const struct state_map *state, const char *type,
                                struct nid_list *out)
{
    size_t size = state_map_count(state), count = 0;
    struct state_entries entries = {
        .keys = ARENA_ARRAY(call->arena, size, int64_t),
        .event_nids = ARENA_ARRAY(call->arena, size, int64_t),
    };
    struct state_key_pair *pairs;

    state_map_visit(state, collect_entry, &entries);
    TRY(state_keys_resolve(room_service_state_keys(call->services->rooms), call->db, call->arena,
                           entries.keys, entries.count, &pairs));
    for (size_t i = 0; i < entries.count; i++) {
        if (pairs[i].type != NULL && strcmp(pairs[i].type, type) == 0)
            entries.event_nids[count++] = entries.event_nids[i];
    }
    *out = (struct nid_list){entries.event_nids, count};
    return OK;
}
