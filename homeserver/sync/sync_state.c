/*
 * The state part of a room: what a client needs beside the timeline to know the room's state at its
 * start (`state`) or at its end (`state_after`).
 */
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/rooms/event_subject.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/services.h"
#include "homeserver/sync/sync_internal.h"
#include "storage/memberships.h"
#include "storage/recent_events.h"

/* More than this many events are read in several queries. */
enum { EVENTS_AT_ONCE = 10000 };

struct state_entry {
    int64_t key_nid;
    int64_t event_nid;
};

struct state_entries {
    struct arena *arena;
    ARRAY_OF(struct state_entry) list;
};

static bool collect(void *context, int64_t key, int64_t old_value, int64_t new_value)
{
    struct state_entries *entries = context;
    const struct state_entry entry = {key, new_value};

    (void)old_value;
    if (new_value != 0)
        array_push(entries->arena, &entries->list, entry);
    return true;
}

enum errcode sync_known_state(struct sync *sync, const struct sync_room *room,
                              struct state_map **out)
{
    struct stored_event *first;
    size_t count;
    const struct event_range range = {
        .room_nid = room_nid(room->reader.room),
        .after = room->since,
        .until = room->reader.until,
        .limit = 1,
    };

    *out = NULL;
    if (room->is_full || room->all_state)
        return OK;
    TRY(events_in_range(sync->call->db, sync->call->arena, &range, &first, &count));
    if (count == 0) {
        *out = room->reader.head->state;
        return OK;
    }
    return room_state_at_arrival(sync->call, room->reader.room, first, out);
}

/* Branches met: the state is not what the timeline's own state events make of it. */
static bool has_jump(const struct sync_room *room)
{
    for (size_t i = 0; i < room->event_count; i++) {
        if ((room->events[i].flags & EVENT_JUMP) != 0)
            return true;
    }
    return false;
}

/* What changed between the last answer and a timeline without a gap is in that timeline. */
static bool may_differ(const struct sync *sync, const struct sync_room *room)
{
    return room->is_full || room->all_state || room->is_limited || has_jump(room) ||
           sync->request->state_form != STATE_AT_START;
}

enum errcode sync_state_at_end(struct sync *sync, const struct sync_room *room,
                               struct state_map **out)
{
    const struct stored_event *last;

    if (room->reader.membership.membership != STORED_JOIN)
        return room_reader_state(sync->call, &room->reader, out);
    *out = room->reader.head->state;
    if (room->event_count == 0)
        return OK;
    /* The head may have moved on since this answer's position was read. */
    last = &room->events[room->event_count - 1];
    if (room->reader.head->last_position <= sync->until)
        return OK;
    return room_state_from_arrival(sync->call, room->reader.room, last, out);
}

static bool apply_correction(void *context, int64_t key, int64_t old_value, int64_t new_value)
{
    (void)old_value;
    state_map_put(context, key, new_value);
    return true;
}

static void release_map_deferred(void *map)
{
    state_map_release(map);
}

/* The state at the start of the timeline, and in it already what the timeline's own state events
 * will not bring about. A client that sets them one by one then ends where the room is, unless a
 * key has lost in a resolution what the timeline says; `state_after` has no such gap. */
static enum errcode corrected_start(struct sync *sync, const struct sync_room *room,
                                    struct state_map *start, struct state_map **out)
{
    struct state_map *at_client = state_map_acquire(start), *at_end;

    for (size_t i = 0; i < room->event_count; i++) {
        if (room->events[i].state_key_nid != 0)
            state_map_put(&at_client, room->events[i].state_key_nid, room->events[i].event_nid);
    }
    enum errcode found = sync_state_at_end(sync, room, &at_end);
    if (found == OK) {
        struct state_map *with_end = state_map_acquire(start);
        state_map_diff(at_client, at_end, apply_correction, &with_end);
        arena_defer(sync->call->arena, release_map_deferred, with_end);
        *out = with_end;
    }
    state_map_release(at_client);
    return found;
}

static enum errcode wanted_state(struct sync *sync, const struct sync_room *room,
                                 struct state_map **out)
{
    if (sync->request->state_form != STATE_AT_START || room->event_count == 0)
        return sync_state_at_end(sync, room, out);
    TRY(room_state_at_arrival(sync->call, room->reader.room, &room->events[0], out));
    return has_jump(room) ? corrected_start(sync, room, *out, out) : OK;
}

static bool is_sender(const struct sync_room *room, const char *user_id)
{
    for (size_t i = 0; i < room->event_count; i++) {
        if (room->senders[i] != NULL && strcmp(room->senders[i], user_id) == 0)
            return true;
    }
    return false;
}

static bool is_hero(const struct sync_room *room, const char *user_id)
{
    for (size_t i = 0; i < room->hero_count; i++) {
        if (strcmp(room->heroes[i], user_id) == 0)
            return true;
    }
    return false;
}

/* Those that changed when all were there, which has its place in the journal, or later: sorted. */
enum errcode sync_load_corrected(struct sync *sync, struct sync_room *room)
{
    const struct room_head *head = room->reader.head;

    if (room->is_full || head == NULL || head->completed_position <= room->since)
        return OK;
    return memberships_changed(sync->call->db, sync->call->arena, room_nid(room->reader.room),
                               head->completed_position - 1, &room->corrected,
                               &room->corrected_count);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool sync_is_corrected(const struct sync_room *room, const char *user_id)
{
    return room->corrected_count > 0 && bsearch(&user_id, room->corrected, room->corrected_count,
                                                sizeof(*room->corrected), compare_texts) != NULL;
}

/* Lazy loading: of the members only those are told who speak in the timeline, whom the room is
 * named after, the user's own, and those that changed while the client was not looking. */
static bool is_wanted_member(const struct sync *sync, const struct sync_room *room,
                             const char *user_id)
{
    bool is_gap = !room->is_full && !room->all_state;

    if (!sync->request->filter->state.lazy_load_members || is_gap)
        return true;
    return is_sender(room, user_id) || is_hero(room, user_id) || sync_is_corrected(room, user_id) ||
           strcmp(user_id, sync->request->requester->user_id) == 0;
}

static enum errcode select_entries(struct sync *sync, const struct sync_room *room,
                                   const struct state_entries *entries, int64_t *nids_out,
                                   size_t *count_out)
{
    struct call *call = sync->call;
    const struct event_filter *filter = &sync->request->filter->state;
    int64_t *keys = ARENA_ARRAY(call->arena, entries->list.count, int64_t);
    struct state_key_pair *pairs;

    for (size_t i = 0; i < entries->list.count; i++)
        keys[i] = entries->list.items[i].key_nid;
    TRY(state_keys_resolve(room_service_state_keys(call->services->rooms), call->db, call->arena,
                           keys, entries->list.count, &pairs));
    *count_out = 0;
    for (size_t i = 0; i < entries->list.count; i++) {
        const struct filter_subject subject = {.room_id = room_id(room->reader.room),
                                               .type = pairs[i].type};
        bool is_member = pairs[i].type != NULL && strcmp(pairs[i].type, "m.room.member") == 0;
        if (pairs[i].type == NULL ||
            (!filter->senders.present && !event_filter_needs_content(filter) &&
             !event_filter_passes(filter, &subject)))
            continue;
        if (is_member && !is_wanted_member(sync, room, pairs[i].state_key))
            continue;
        nids_out[(*count_out)++] = entries->list.items[i].event_nid;
        if (is_member && filter->lazy_load_members)
            sync_tell(sync, entries->list.items[i].event_nid);
    }
    return OK;
}

/* Adds a user's member event unless it is there already. */
static enum errcode add_member(struct sync *sync, const char *user_id,
                               const struct state_map *state, struct state_entries *entries)
{
    struct call *call = sync->call;
    int64_t event_nid, key_nid;

    TRY(state_key_find(room_service_state_keys(call->services->rooms), call->db, "m.room.member",
                       user_id, &key_nid));
    for (size_t i = 0; i < entries->list.count; i++) {
        if (entries->list.items[i].key_nid == key_nid)
            return OK;
    }
    event_nid = state_map_get(state, key_nid);
    if (event_nid != 0 && !sync_was_told(sync, event_nid))
        collect(entries, key_nid, 0, event_nid);
    return OK;
}

/* A lazily loading client is told of senders and heroes whose member event it may not have. */
static enum errcode add_members(struct sync *sync, const struct sync_room *room,
                                const struct state_map *state, struct state_entries *entries)
{
    for (size_t i = 0; i < room->event_count; i++) {
        if (room->senders[i] != NULL)
            TRY(add_member(sync, room->senders[i], state, entries));
    }
    for (size_t i = 0; i < room->hero_count; i++)
        TRY(add_member(sync, room->heroes[i], state, entries));
    return OK;
}

/* Which events are told: `state_nids`. */
static enum errcode choose_events(struct sync *sync, struct sync_room *room)
{
    struct state_entries entries = {.arena = sync->call->arena};
    bool is_lazy = sync->request->filter->state.lazy_load_members;
    struct state_map *known, *wanted;

    TRY(wanted_state(sync, room, &wanted));
    if (may_differ(sync, room)) {
        TRY(sync_known_state(sync, room, &known));
        state_map_diff(known, wanted, collect, &entries);
    }
    if (is_lazy)
        TRY(sync_load_corrected(sync, room));
    if (is_lazy && !room->is_full && !room->all_state)
        TRY(add_members(sync, room, wanted, &entries));
    int64_t *nids = ARENA_ARRAY(sync->call->arena, entries.list.count, int64_t);
    room->state_nids = nids;
    return select_entries(sync, room, &entries, nids, &room->state_nid_count);
}

static int by_room(const void *a, const void *b)
{
    const struct stored_event *left = a, *right = b;

    if (left->room_nid != right->room_nid)
        return left->room_nid < right->room_nid ? -1 : 1;
    if (left->position != right->position)
        return left->position < right->position ? -1 : 1;
    return left->event_nid < right->event_nid ? -1 : left->event_nid > right->event_nid;
}

static enum errcode fill_list(struct sync *sync, const struct sync_room *room,
                              struct stored_event *events, size_t count,
                              struct client_events_list *out)
{
    const struct event_filter *filter = &sync->request->filter->state;

    events = events_part_of_room(events, count, room_nid(room->reader.room), &count);
    if (filter->senders.present || filter->not_senders.present ||
        event_filter_needs_content(filter))
        TRY(events_filter(sync->call, filter, room_id(room->reader.room), events, &count, NULL));
    *out = (struct client_events_list){
        .how = {.reader = &room->reader,
                .without_membership = true, /* the reader's when it was set: nobody asks */
                .format = sync->request->filter->federation_format ? CLIENT_EVENT_FORMAT_FEDERATION
                                                                   : CLIENT_EVENT_FORMAT_CLIENT,
                .filter = sync->request->filter},
        .events = events,
        .count = count,
    };
    return OK;
}

/* The events of these rooms, whose numbers are known, in one query. */
static enum errcode load_states(struct sync *sync, struct sync_room *rooms, size_t count,
                                size_t nid_count)
{
    struct call *call = sync->call;
    struct client_events_list *lists = ARENA_ARRAY(call->arena, count, struct client_events_list);
    int64_t *nids = ARENA_ARRAY(call->arena, nid_count, int64_t);
    struct stored_event *events = NULL;
    size_t asked = 0, event_count = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < rooms[i].state_nid_count; j++)
            nids[asked++] = rooms[i].state_nids[j];
    }
    if (asked > 0)
        TRY(recent_events_load(call->services->recent_events, call->db, call->arena,
                               (struct nid_list){nids, asked}, &events, &event_count));
    if (event_count > 0)
        qsort(events, event_count, sizeof(*events), by_room);
    for (size_t i = 0; i < count; i++)
        TRY(fill_list(sync, &rooms[i], events, event_count, &lists[i]));
    TRY(client_events_prepare(call, lists, count));
    for (size_t i = 0; i < count; i++)
        rooms[i].state = lists[i];
    return OK;
}

enum errcode sync_prepare_states(struct sync *sync, struct sync_room *rooms, size_t count)
{
    size_t first = 0, nid_count = 0;

    for (size_t i = 0; i < count; i++) {
        if (rooms[i].tells_state)
            TRY(choose_events(sync, &rooms[i]));
        nid_count += rooms[i].state_nid_count;
        if (i + 1 < count && nid_count < EVENTS_AT_ONCE)
            continue;
        TRY(load_states(sync, rooms + first, i + 1 - first, nid_count));
        first = i + 1;
        nid_count = 0;
    }
    return OK;
}

enum errcode sync_write_state(struct sync *sync, const struct sync_room *room, struct strbuf *out)
{
    static const char *const names[] = {
        [STATE_AT_START] = "state",
        [STATE_AFTER] = "state_after",
        [STATE_AFTER_UNSTABLE] = "org.matrix.msc4222.state_after",
    };

    sync_begin_member(out, names[sync->request->state_form]);
    strbuf_add_string(out, "{\"events\":[");
    TRY(client_events_write_list(sync->call, &room->state, out));
    strbuf_add_string(out, "]}");
    return OK;
}
