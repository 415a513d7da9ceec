/*
 * The events that state resolution asks for, from storage: many at a time, each once.
 */
#include "homeserver/rooms/resolve_state.h"

#include <uthash.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/state_resolution.h"
#include "homeserver/services.h"
#include "storage/auth_edges.h"
#include "storage/events.h"

struct loaded_event {
    int64_t nid;
    const struct event *event;
    UT_hash_handle hh;
};

struct state_source {
    struct call *call;
    struct arena *arena; /* for the time of the resolution */
    struct room *room;
    struct loaded_event *events; /* by number */
    struct map *nids;            /* event ID -> struct loaded_event, or nothing yet */
};

static void remember(struct state_source *source, int64_t nid, const struct event *event)
{
    struct loaded_event *loaded = ARENA_NEW(source->arena, struct loaded_event);

    loaded->nid = nid;
    loaded->event = event;
    HASH_ADD(hh, source->events, nid, sizeof(loaded->nid), loaded);
    map_set(source->nids, event->event_id, loaded);
}

static struct loaded_event *find(struct state_source *source, int64_t nid)
{
    struct loaded_event *loaded;

    HASH_FIND(hh, source->events, &nid, sizeof(nid), loaded);
    return loaded;
}

static enum errcode load(struct state_source *source, const int64_t *nids, size_t count)
{
    struct stored_event *stored;

    TRY(events_load(source->call->db, source->arena, nids, count, &stored, &count));
    for (size_t i = 0; i < count; i++) {
        const struct event *event;
        if (stored[i].room_nid != room_nid(source->room))
            continue;
        TRY(stored_event_parse(source->arena, room_version_of(source->room), &stored[i], &event));
        remember(source, stored[i].event_nid, event);
    }
    return OK;
}

/* The auth events of what is loaded will be asked for next: their numbers in one query. */
static enum errcode number_auth_events(struct state_source *source, const int64_t *nids,
                                       size_t count)
{
    ARRAY_OF(const char *) ids = {0};

    for (size_t i = 0; i < count; i++) {
        const struct loaded_event *loaded = find(source, nids[i]);
        for (size_t k = 0; loaded != NULL && k < loaded->event->auth_event_count; k++) {
            if (!map_contains(source->nids, loaded->event->auth_events[k])) {
                map_set(source->nids, loaded->event->auth_events[k], NULL);
                array_push(source->arena, &ids, loaded->event->auth_events[k]);
            }
        }
    }
    if (ids.count == 0)
        return OK;
    int64_t *found = ARENA_ARRAY(source->arena, ids.count, int64_t);
    TRY(event_nids_find(source->call->db, source->arena, room_nid(source->room), ids.items,
                        ids.count, found));
    for (size_t i = 0; i < ids.count; i++) {
        struct loaded_event *named = ARENA_NEW(source->arena, struct loaded_event);
        named->nid = found[i];
        map_set(source->nids, ids.items[i], named);
    }
    return OK;
}

static enum errcode source_prefetch(void *context, const int64_t *refs, size_t count)
{
    struct state_source *source = context;
    ARRAY_OF(int64_t) missing = {0};

    for (size_t i = 0; i < count; i++) {
        if (find(source, refs[i]) == NULL)
            array_push(source->arena, &missing, refs[i]);
    }
    if (missing.count > 0)
        TRY(load(source, missing.items, missing.count));
    return number_auth_events(source, refs, count);
}

static enum errcode source_event(void *context, int64_t ref, const struct event **out)
{
    struct state_source *source = context;
    const struct loaded_event *loaded = find(source, ref);

    if (loaded == NULL) {
        TRY(load(source, &ref, 1));
        loaded = find(source, ref);
    }
    *out = loaded != NULL ? loaded->event : NULL;
    return OK;
}

static enum errcode source_event_ref(void *context, const char *event_id, int64_t *out)
{
    struct state_source *source = context;
    const struct loaded_event *named = map_get(source->nids, event_id);

    if (named != NULL) {
        *out = named->nid;
        return OK;
    }
    return event_nids_find(source->call->db, source->arena, room_nid(source->room), &event_id, 1,
                           out);
}

static enum errcode source_state_key(void *context, const char *type, const char *state_key,
                                     int64_t *out)
{
    struct state_source *source = context;

    return state_key_find(room_service_state_keys(source->call->services->rooms), source->call->db,
                          type, state_key, out);
}

static enum errcode source_cited_by(void *context, int64_t ref, const int64_t **refs_out,
                                    size_t *count_out)
{
    struct state_source *source = context;
    struct nid_list nids;

    TRY(auth_edges_citing(source->call->db, source->arena, ref, &nids));
    *refs_out = nids.items;
    *count_out = nids.count;
    return OK;
}

static bool note_difference(void *context, int64_t key, int64_t old_value, int64_t new_value)
{
    (void)key;
    (void)old_value;
    (void)new_value;
    *(bool *)context = true;
    return false;
}

bool room_states_equal(const struct state_map *a, const struct state_map *b)
{
    bool differs = false;

    if (a != b)
        state_map_diff(a, b, note_difference, &differs);
    return !differs;
}

static void release_map_deferred(void *map)
{
    state_map_release(map);
}

enum errcode room_resolve_states(struct call *call, const struct resolve_request *request,
                                 struct state_map **out)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct state_source source = {
        .call = call,
        .arena = arena,
        .room = request->room,
        .nids = map_create(arena),
    };
    const struct event_source functions = {
        .context = &source,
        .event = source_event,
        .event_ref = source_event_ref,
        .state_key = source_state_key,
        .prefetch = source_prefetch,
        .cited_by = source_cited_by,
    };
    const struct state_resolution resolution = {
        .version = room_version_of(request->room),
        .state_sets = request->states,
        .set_count = request->count,
        .source = &functions,
    };
    struct state_map *resolved = NULL;

    if (request->fresh != NULL)
        remember(&source, request->fresh_nid, request->fresh);
    enum errcode outcome = state_resolution_resolve(arena, &resolution, &resolved);
    HASH_CLEAR(hh, source.events);
    TRY(outcome);
    arena_defer(call->arena, release_map_deferred, resolved);
    *out = resolved;
    return OK;
}
