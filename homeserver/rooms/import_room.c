/* Storing a whole room. */
#include "homeserver/rooms/import_room.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/event.h"
#include "homeserver/rooms/follow_member.h"
#include "homeserver/rooms/follow_summary.h"
#include "homeserver/rooms/missed_devices.h"
#include "homeserver/services.h"
#include "storage/auth_edges.h"
#include "storage/device_list_changes.h"
#include "storage/events.h"
#include "storage/journal.h"
#include "storage/missing_prev_events.h"
#include "storage/partial_state_rooms.h"
#include "storage/room_summaries.h"
#include "storage/rooms.h"
#include "storage/users.h"

/* The user directory learns of so many members of a new room; of the others when they speak. */
enum { DIRECTORY_MEMBERS_MAX = 1000 };

struct importing {
    struct call *call;
    const struct room_import *import;
    struct room *room;
    struct room_build *build;
    struct journal_entry *entry;
    size_t count;                /* events, the join last */
    const struct event **events; /* parallel */
    int64_t *nids;
    bool *are_stored; /* known from before */
    int64_t *sender_nids;
    int64_t *user_nids; /* of member events: whose */
    int64_t *key_nids;
    struct state_map *before; /* owned */
};

static bool is_member(const struct event *event)
{
    return strcmp(event->type, "m.room.member") == 0 && event->state_key != NULL;
}

static const struct pdu_authorised *pdu_at(const struct importing *im, size_t i)
{
    return i < im->import->count ? im->import->events[i].pdu : im->import->join;
}

/* Numbers for events: those of before stay what they are. */
static enum errcode number_events(struct importing *im)
{
    struct call *call = im->call;
    const char **ids = ARENA_ARRAY(call->arena, im->count, const char *);

    for (size_t i = 0; i < im->count; i++)
        ids[i] = im->events[i]->event_id;
    TRY(event_nids_find(call->db, call->arena, room_nid(im->room), ids, im->count, im->nids));
    for (size_t i = 0; i < im->count; i++) {
        im->are_stored[i] = im->nids[i] != 0;
        if (!im->are_stored[i])
            TRY(nid_next_event(room_service_nids(call->services->rooms), call->db, &im->nids[i]));
    }
    return OK;
}

/* Senders and members, of whom many made many events: each is asked for once. */
struct users {
    struct map *places; /* user ID -> its place in `ids`, one more */
    ARRAY_OF(const char *) ids;
};

static size_t place_of(struct arena *arena, struct users *users, const char *user_id)
{
    size_t place = (size_t)(uintptr_t)map_get(users->places, user_id);

    if (place == 0) {
        array_push(arena, &users->ids, user_id);
        place = users->ids.count;
        map_set(users->places, user_id, (void *)(uintptr_t)place);
    }
    return place - 1;
}

static enum errcode number_users(struct importing *im)
{
    struct arena *arena = im->call->arena;
    struct users users = {.places = map_create(arena)};
    size_t *senders = ARENA_ARRAY(arena, im->count, size_t);
    size_t *members = ARENA_ARRAY(arena, im->count, size_t);

    for (size_t i = 0; i < im->count; i++) {
        const struct event *event = im->events[i];
        senders[i] = place_of(arena, &users, event->sender);
        members[i] = is_member(event) ? place_of(arena, &users, event->state_key) : senders[i];
    }
    int64_t *nids = ARENA_ARRAY(arena, users.ids.count, int64_t);
    TRY(user_nids_intern(im->call->db, arena, users.ids.items, users.ids.count, nids));
    im->sender_nids = ARENA_ARRAY(arena, im->count, int64_t);
    im->user_nids = ARENA_ARRAY(arena, im->count, int64_t);
    for (size_t i = 0; i < im->count; i++) {
        im->sender_nids[i] = nids[senders[i]];
        im->user_nids[i] = nids[members[i]];
    }
    return OK;
}

static enum errcode number_state_keys(struct importing *im)
{
    struct call *call = im->call;
    struct state_key_pair *pairs = ARENA_ARRAY(call->arena, im->count, struct state_key_pair);

    for (size_t i = 0; i < im->count; i++)
        pairs[i] = (struct state_key_pair){im->events[i]->type, im->events[i]->state_key};
    return state_keys_intern(call->db, call->arena, pairs, im->count, im->key_nids);
}

static enum errcode take_numbers(struct importing *im)
{
    struct arena *arena = im->call->arena;

    im->events = ARENA_ARRAY(arena, im->count, const struct event *);
    im->nids = ARENA_ARRAY(arena, im->count, int64_t);
    im->key_nids = ARENA_ARRAY(arena, im->count, int64_t);
    im->are_stored = ARENA_ARRAY(arena, im->count, bool);
    for (size_t i = 0; i < im->count; i++)
        im->events[i] = pdu_event_of(pdu_at(im, i));
    TRY(number_events(im));
    TRY(number_users(im));
    return number_state_keys(im);
}

static struct stored_event row_of(const struct importing *im, size_t i)
{
    struct stored_event row = {
        .event_nid = im->nids[i],
        .room_nid = room_nid(im->room),
        .depth = im->events[i]->depth,
        .origin_server_ts = im->events[i]->origin_server_ts,
        .sender_nid = im->sender_nids[i],
        .state_key_nid = im->key_nids[i],
        .flags = EVENT_OUTLIER,
        .event_id = im->events[i]->event_id,
    };

    if (pdu_outcome_of(pdu_at(im, i)) == PDU_REJECTED)
        row.flags |= EVENT_REJECTED;
    row.json = pdu_bytes_of(pdu_at(im, i), &row.json_size);
    return row;
}

/* All but the join, as far as they are new. */
static void add_events(struct importing *im, size_t end)
{
    struct stored_event *rows = ARENA_ARRAY(im->call->arena, end, struct stored_event);
    size_t count = 0;

    for (size_t i = 0; i < end; i++) {
        if (!im->are_stored[i])
            rows[count++] = row_of(im, i);
    }
    if (count > 0)
        events_add_many_in(im->entry, rows, count);
}

static enum errcode add_auth_edges(struct importing *im)
{
    struct arena *arena = im->call->arena;
    struct map *by_id = map_create(arena);
    ARRAY_OF(int64_t) from = {0}, to = {0};
    ARRAY_OF(const char *) elsewhere = {0};
    ARRAY_OF(int64_t) elsewhere_from = {0};

    for (size_t i = 0; i < im->count; i++)
        map_set(by_id, im->events[i]->event_id, &im->nids[i]);
    for (size_t i = 0; i < im->count; i++) {
        for (size_t k = 0; k < im->events[i]->auth_event_count; k++) {
            const int64_t *nid = map_get(by_id, im->events[i]->auth_events[k]);
            if (nid != NULL) {
                array_push(arena, &from, im->nids[i]);
                array_push(arena, &to, *nid);
            } else {
                array_push(arena, &elsewhere, im->events[i]->auth_events[k]);
                array_push(arena, &elsewhere_from, im->nids[i]);
            }
        }
    }
    int64_t *found = ARENA_ARRAY(arena, elsewhere.count, int64_t);
    if (elsewhere.count > 0)
        TRY(event_nids_find(im->call->db, arena, room_nid(im->room), elsewhere.items,
                            elsewhere.count, found));
    for (size_t i = 0; i < elsewhere.count; i++) {
        if (found[i] != 0) {
            array_push(arena, &from, elsewhere_from.items[i]);
            array_push(arena, &to, found[i]);
        }
    }
    auth_edges_add_many_in(im->entry, (struct nid_list){from.items, from.count}, to.items);
    return OK;
}

static void add_member(struct importing *im, size_t i, struct membership_row *out)
{
    const struct event *event = im->events[i];

    *out = (struct membership_row){
        .user_nid = im->user_nids[i],
        .membership = membership_from_text(event_membership(event)),
        .is_local = config_hosts_user(config_current(im->call->services->config), event->state_key),
        .event_nid = im->nids[i],
        .sender_nid = im->sender_nids[i],
    };
}

/* Memberships, summary, user directory, as the state with the join has them. */
static enum errcode add_dependents(struct importing *im, const struct state_map *after)
{
    struct call *call = im->call;
    struct membership_row *rows = ARENA_ARRAY(call->arena, im->count, struct membership_row);
    size_t count = 0;

    for (size_t i = 0; i < im->count; i++) {
        const struct event *event = im->events[i];
        if (state_map_get(after, im->key_nids[i]) != im->nids[i])
            continue;
        if (!is_member(event)) {
            summary_follow_in(call, im->entry, room_nid(im->room), event);
            continue;
        }
        add_member(im, i, &rows[count]);
        if (rows[count].is_local)
            journal_entry_wake_user(im->entry, rows[count].user_nid);
        if (count < DIRECTORY_MEMBERS_MAX)
            TRY(directory_follow_in(call, im->entry, event, rows[count].user_nid,
                                    rows[count].is_local));
        count++;
    }
    memberships_set_many_in(im->entry, room_nid(im->room), JOURNAL_POSITION_MARK, rows, count);
    if (im->import->told_by == NULL)
        memberships_drop_older_in(im->entry, room_nid(im->room), JOURNAL_POSITION_MARK);
    room_summary_recount_in(im->entry, room_nid(im->room));
    return OK;
}

static struct member_counts count_members(const struct importing *im, const struct state_map *after)
{
    struct member_counts counts = {0};

    for (size_t i = 0; i < im->count; i++) {
        if (!is_member(im->events[i]) || state_map_get(after, im->key_nids[i]) != im->nids[i])
            continue;
        enum stored_membership membership = membership_from_text(event_membership(im->events[i]));
        counts.joined += membership == STORED_JOIN ? 1 : 0;
        counts.invited += membership == STORED_INVITE ? 1 : 0;
    }
    return counts;
}

/* The cache keeps the events that the head will ask for: they are not stored yet. */
static enum errcode cache_event(struct importing *im, size_t i, struct cached_event **out)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct event *event;
    size_t size;
    const char *bytes = pdu_bytes_of(pdu_at(im, i), &size);

    TRY(event_parse_stored(arena, im->import->version, im->events[i]->event_id, bytes, size,
                           &event));
    *out = cached_event_create(arena, event, im->nids[i]);
    arena = NULL; /* it belongs to the event now */
    event_cache_add(room_service_events(im->call->services->rooms), *out);
    return OK;
}

static enum errcode cache_key_events(struct importing *im)
{
    static const char *const types[] = {"m.room.create", "m.room.power_levels", "m.room.join_rules",
                                        "m.room.history_visibility"};

    for (size_t i = 0; i < im->import->count; i++) {
        for (size_t t = 0; t < COUNT_OF(types); t++) {
            struct cached_event *cached;
            if (!im->import->events[i].is_state || !event_is(im->events[i], types[t], ""))
                continue;
            TRY(cache_event(im, i, &cached));
            cached_event_release(cached);
        }
    }
    return OK;
}

static enum errcode add_snapshot(struct importing *im, const struct state_map *state,
                                 struct snapshot_ref parent, const struct state_map *parent_map,
                                 struct snapshot_ref *out)
{
    struct snapshot_change change = {
        .room_nid = room_nid(im->room),
        .parent = parent,
        .after = state,
    };

    TRY(nid_next_snapshot(room_service_nids(im->call->services->rooms), im->call->db,
                          &change.snapshot_nid));
    *out = snapshot_add_state_in(im->entry, &change, parent_map);
    return OK;
}

static void set_event(struct importing *im, struct snapshot_ref before,
                      const struct room_head *head)
{
    size_t join = im->count - 1;
    struct new_event row = {
        .event = row_of(im, join),
        .expected_head_version = im->build->head->version,
        .head =
            {
                .version = head->version,
                .snapshot_nid = head->snapshot.snapshot_nid,
                .depth = head->depth,
                .extremities = head->extremities,
            },
    };

    row.event.position = JOURNAL_POSITION_MARK;
    row.event.flags = EVENT_GAP;
    row.event.snapshot_nid = before.snapshot_nid;
    row.event.replaces_nid = state_map_get(im->before, im->key_nids[join]);
    journal_entry_set_event(im->entry, &row);
}

/* The room begins for us with the join; the head is what it makes of the state before it. */
static enum errcode make_head(struct importing *im, struct state_map *after, struct room_head **out)
{
    const struct event *join = im->events[im->count - 1];
    struct snapshot_ref before, snapshot;

    TRY(add_snapshot(im, im->before, (struct snapshot_ref){0}, NULL, &before));
    TRY(add_snapshot(im, after, before, im->before, &snapshot));
    const struct stored_head stored = {
        .version = im->build->head->version + 1,
        .depth = join->depth,
        .extremities = join->event_id,
        .is_partial = im->import->told_by != NULL,
    };
    *out = room_head_create(&stored, snapshot, state_map_acquire(after));
    (*out)->members = count_members(im, after);
    enum errcode loaded = room_head_load_events(im->call, im->room, *out);
    if (loaded != OK) {
        room_head_release(*out);
        return loaded;
    }
    set_event(im, before, *out);
    return OK;
}

/* Whether the state is whole from now on. Spec: servers that do not follow the user's device list
 * are told of it; where we do not know who they are, see missed_devices.h. */
static enum errcode follow_completeness(struct importing *im)
{
    int64_t user_nid = im->sender_nids[im->count - 1];
    const struct partial_state_room partial = {
        .room_nid = room_nid(im->room),
        .join_nid = im->nids[im->count - 1],
        .told_by = im->import->told_by,
        .servers = im->import->servers,
        .server_count = im->import->server_count,
    };

    if (partial.told_by != NULL) {
        partial_state_begin_in(im->entry, &partial);
        device_list_told_to_own_in(im->entry, user_nid);
        return missed_devices_tell_again_in(im->call, im->entry, &partial, user_nid);
    }
    partial_state_abandon_in(im->entry, partial.room_nid);
    device_list_told_by_join_in(im->entry, user_nid);
    return OK;
}

static enum errcode fill_entry(struct importing *im, struct state_map *after)
{
    const struct event *join = im->events[im->count - 1];
    int64_t nid = room_nid(im->room);

    add_events(im, im->import->count);
    if (im->are_stored[im->count - 1])
        event_drop_outlier_in(im->entry, im->nids[im->count - 1]);
    TRY(add_auth_edges(im));
    TRY(add_dependents(im, after));
    missing_prev_events_add_in(im->entry, nid, im->nids[im->count - 1], join->prev_events,
                               join->prev_event_count);
    TRY(follow_completeness(im));
    journal_entry_wake_room(im->entry, nid);
    return OK;
}

static enum errcode advance(struct importing *im, struct state_map *after)
{
    struct cached_event *cached;
    struct room_head *head;

    TRY(fill_entry(im, after));
    TRY(cache_key_events(im));
    TRY(make_head(im, after, &head));
    TRY(cache_event(im, im->count - 1, &cached));
    enum errcode advanced = room_build_advance(im->build, head, cached, im->entry);
    cached_event_release(cached);
    TRY(advanced);
    room_build_add(im->call, im->build, im->entry);
    im->entry = NULL;
    return OK;
}

static enum errcode import_events(struct importing *im)
{
    size_t join = im->import->count;

    im->count = join + 1;
    TRY(take_numbers(im));
    for (size_t i = 0; i < join; i++) {
        if (im->import->events[i].is_state)
            state_map_put(&im->before, im->key_nids[i], im->nids[i]);
    }
    for (size_t i = 0; i < im->import->stored_count; i++) {
        const struct stored_state *stored = &im->import->stored[i];
        if (state_map_get(im->before, stored->key_nid) == 0)
            state_map_put(&im->before, stored->key_nid, stored->event_nid);
    }
    struct state_map *after = state_map_set(im->before, im->key_nids[join], im->nids[join]);
    enum errcode outcome = advance(im, after);
    state_map_release(after);
    return outcome;
}

/* A new room is registered with what `entry` brings. */
static enum errcode find_room(struct call *call, const char *id, const struct room_version *version,
                              struct journal_entry *entry, struct room **out)
{
    int64_t nid;

    enum errcode opened = room_open(call, id, out);
    if (opened != M_NOT_FOUND)
        return opened;
    error_clear(call->error);
    TRY(nid_next_room(room_service_nids(call->services->rooms), call->db, &nid));
    *out = room_prepare(call, nid, id, version);
    if (room_nid(*out) == nid)
        room_create_in(entry, nid, id, version->id, clock_wall_ms());
    return OK;
}

enum errcode room_import_open(struct call *call, const char *room_id,
                              const struct room_version *version, struct room **out)
{
    struct journal_entry *entry = journal_entry_create();
    enum errcode found = find_room(call, room_id, version, entry, out);

    if (found != OK) {
        journal_entry_destroy(entry);
        return found;
    }
    journal_submit(call->services->journal, entry, call->commits);
    return commit_group_wait(call->commits);
}

enum errcode room_import(struct call *call, const struct room_import *import)
{
    SCOPED(room_build_end) struct room_build build = {0};
    struct importing im = {
        .call = call,
        .import = import,
        .build = &build,
        .entry = journal_entry_create(),
    };

    enum errcode outcome = OK;
    im.room = import->room;
    if (im.room == NULL)
        outcome = find_room(call, import->room_id, import->version, im.entry, &im.room);
    if (outcome == OK)
        outcome = room_build_begin(call, im.room, &build);
    if (outcome == OK)
        outcome = import_events(&im);
    state_map_release(im.before);
    journal_entry_destroy(im.entry);
    return outcome;
}

enum errcode room_import_outliers(struct call *call, struct room *room,
                                  const struct pdu_authorised *const *pdus, size_t count,
                                  struct stored_state *numbers_out)
{
    struct imported_event *events = ARENA_ARRAY(call->arena, count, struct imported_event);
    const struct room_import import = {.events = events, .count = count};
    struct importing im = {
        .call = call,
        .import = &import,
        .room = room,
        .entry = journal_entry_create(),
        .count = count,
    };

    for (size_t i = 0; i < count; i++)
        events[i].pdu = pdus[i];
    enum errcode outcome = take_numbers(&im);
    if (outcome == OK)
        outcome = add_auth_edges(&im);
    if (outcome != OK) {
        journal_entry_destroy(im.entry);
        return outcome;
    }
    add_events(&im, count);
    for (size_t i = 0; numbers_out != NULL && i < count; i++)
        numbers_out[i] = (struct stored_state){im.key_nids[i], im.nids[i]};
    journal_submit(call->services->journal, im.entry, call->commits);
    return OK;
}
