/* From an authorised event to a journal entry. */
#include "homeserver/rooms/persist_event.h"

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/push/push_actions.h"
#include "homeserver/rooms/follow_member.h"
#include "homeserver/rooms/follow_search.h"
#include "homeserver/rooms/follow_state.h"
#include "homeserver/rooms/follow_summary.h"
#include "homeserver/rooms/redact.h"
#include "homeserver/rooms/relations.h"
#include "homeserver/rooms/resolve_state.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/rooms/snapshot_cache.h"
#include "homeserver/services.h"
#include "storage/auth_edges.h"
#include "storage/journal.h"
#include "storage/memberships.h"
#include "storage/missing_prev_events.h"
#include "storage/room_jumps.h"
#include "storage/room_summaries.h"
#include "storage/rooms.h"
#include "storage/users.h"

/* What is known of an event while its entry is made. */
struct persisting {
    struct call *call;
    struct room_build *build;
    const struct event_draft *draft;
    const struct event *event;
    const struct graph_place *place; /* NULL: on top of the head */
    struct cached_event *cached;
    struct journal_entry *entry;
    struct member_counts members; /* with a place: in the room from then on */
    int64_t event_nid;
    int64_t state_key_nid; /* 0: not a state event */
    int64_t before_nid;    /* snapshot of the state before it */
    unsigned flags;        /* enum event_flag */
};

static enum errcode take_numbers(struct persisting *p)
{
    struct room_service *service = p->call->services->rooms;

    if (p->place != NULL) {
        p->event_nid = p->place->event_nid;
        p->state_key_nid = p->place->state_key_nid;
        return OK;
    }
    TRY(nid_next_event(room_service_nids(service), p->call->db, &p->event_nid));
    if (event_is_state(p->event))
        TRY(state_key_intern(room_service_state_keys(service), p->call->db, p->event->type,
                             p->event->state_key, &p->state_key_nid));
    return OK;
}

/* The new head's important events: the old ones, unless this event replaces one. */
static void inherit_events(const struct persisting *p, struct room_head *head)
{
    const struct room_head *old = p->build->head;
    const struct {
        const char *type;
        struct cached_event *old_event;
        struct cached_event **place;
    } kept[] = {
        {"m.room.create", old->create, &head->create},
        {"m.room.power_levels", old->power_levels, &head->power_levels},
        {"m.room.join_rules", old->join_rules, &head->join_rules},
        {"m.room.history_visibility", old->history_visibility, &head->history_visibility},
    };

    for (size_t i = 0; i < COUNT_OF(kept); i++)
        *kept[i].place = cached_event_acquire(
            event_is(p->event, kept[i].type, "") ? p->cached : kept[i].old_event);
}

/* The room's state when the event does not simply come next. */
static enum errcode next_state_at_place(struct persisting *p, struct snapshot_ref *snapshot_out,
                                        struct state_map **state_out)
{
    const struct room_head *head = p->build->head;

    if (room_states_equal(head->state, p->place->after)) {
        *snapshot_out = head->snapshot;
        *state_out = state_map_acquire(head->state);
        return OK;
    }
    *state_out = state_map_acquire(p->place->after);
    return persist_snapshot_in(p->call, p->build, p->entry, p->place->after, snapshot_out);
}

/* The state after the event and its snapshot. */
static enum errcode next_state(struct persisting *p, struct snapshot_ref *snapshot_out,
                               struct state_map **state_out)
{
    const struct room_head *head = p->build->head;
    struct snapshot_change change = {
        .room_nid = room_nid(p->build->room),
        .parent = head->snapshot,
        .state_key_nid = p->state_key_nid,
        .event_nid = p->event_nid,
    };

    if (p->state_key_nid == 0) {
        *snapshot_out = head->snapshot;
        *state_out = state_map_acquire(head->state);
        return OK;
    }
    TRY(nid_next_snapshot(room_service_nids(p->call->services->rooms), p->call->db,
                          &change.snapshot_nid));
    *state_out = state_map_set(head->state, p->state_key_nid, p->event_nid);
    change.after = *state_out;
    *snapshot_out = snapshot_add_in(p->entry, &change);
    snapshot_cache_add(room_service_snapshots(p->call->services->rooms), change.snapshot_nid,
                       *state_out);
    return OK;
}

static void count_one(struct member_counts *counts, const char *membership, int64_t change)
{
    enum stored_membership stored = membership_from_text(membership);

    if (stored == STORED_JOIN)
        counts->joined += change;
    if (stored == STORED_INVITE)
        counts->invited += change;
}

/* Counted along, so that nobody has to count the members of a large room. */
static enum errcode count_members(struct persisting *p, struct member_counts *out)
{
    const char *before;

    *out = p->build->head->members;
    if (p->state_key_nid == 0 || strcmp(p->event->type, "m.room.member") != 0)
        return OK;
    TRY(room_head_membership(p->call, p->build->room, p->build->head, p->event->state_key,
                             &before));
    count_one(out, before, -1);
    count_one(out, event_membership(p->event), 1);
    return OK;
}

static enum errcode next_head(struct persisting *p, struct room_head **out)
{
    struct snapshot_ref snapshot;
    struct member_counts members = p->members;
    struct state_map *state;
    char *extremities = NULL;

    if (p->place == NULL) {
        TRY(count_members(p, &members));
        TRY(next_state(p, &snapshot, &state));
        if (strchr(p->build->head->extremities, '\n') != NULL)
            extremities = head_extremities_after(
                p->build->head, &(struct head_step){p->event->event_id, p->event->prev_events,
                                                    p->event->prev_event_count});
    } else {
        TRY(next_state_at_place(p, &snapshot, &state));
    }
    const struct stored_head stored = {
        .version = p->build->head->version + 1,
        .depth = p->event->depth > p->build->head->depth ? p->event->depth : p->build->head->depth,
        .extremities = p->place != NULL      ? p->place->extremities
                       : extremities != NULL ? extremities
                                             : p->event->event_id,
        .is_partial = p->build->head->is_partial,
        .completed_position = p->build->head->completed_position,
    };
    *out = room_head_create(&stored, snapshot, state);
    free(extremities);
    (*out)->members = members;
    if (p->place == NULL) {
        inherit_events(p, *out);
        return OK;
    }
    enum errcode loaded = room_head_load_events(p->call, p->build->room, *out);
    if (loaded != OK)
        room_head_release(*out);
    return loaded;
}

static void add_event_row(struct persisting *p, const struct built_event *built,
                          const struct room_head *head)
{
    const struct state_map *before = p->place != NULL ? p->place->before : p->build->head->state;
    const struct new_event row = {
        .event =
            {
                .event_nid = p->event_nid,
                .room_nid = room_nid(p->build->room),
                .position = JOURNAL_POSITION_MARK,
                .depth = p->event->depth,
                .origin_server_ts = p->event->origin_server_ts,
                .snapshot_nid = p->before_nid,
                .sender_nid = p->draft->sender_nid,
                .state_key_nid = p->state_key_nid,
                .replaces_nid = p->state_key_nid != 0 ? state_map_get(before, p->state_key_nid) : 0,
                .redacted_by_nid = built->redacted_by_nid,
                .flags = p->flags,
                .event_id = p->event->event_id,
                .json = built->json,
                .json_size = built->json_size,
            },
        .expected_head_version = p->build->head->version,
        .head =
            {
                .version = head->version,
                .snapshot_nid = head->snapshot.snapshot_nid,
                .depth = head->depth,
                .extremities = head->extremities,
            },
    };

    journal_entry_set_event(p->entry, &row);
}

static enum errcode add_membership(struct persisting *p)
{
    const struct config *config = config_current(p->call->services->config);
    int64_t user_nid;

    if (p->state_key_nid == 0 || strcmp(p->event->type, "m.room.member") != 0)
        return OK;
    TRY(user_nid_intern(p->call->db, p->call->arena, p->event->state_key, &user_nid));
    const struct membership_row row = {
        .room_nid = room_nid(p->build->room),
        .user_nid = user_nid,
        .membership = membership_from_text(event_membership(p->event)),
        .is_local = config_hosts_user(config, p->event->state_key),
        .event_nid = p->event_nid,
        .sender_nid = p->draft->sender_nid,
        .stripped_state = p->draft->stripped_state,
        .stripped_state_size =
            p->draft->stripped_state != NULL ? strlen(p->draft->stripped_state) : 0,
    };
    room_summary_count_in(p->entry, row.room_nid, user_nid, row.membership);
    membership_set_in(p->entry, &row);
    journal_entry_wake_user(p->entry, user_nid);
    return directory_follow_in(p->call, p->entry, p->event, user_nid, row.is_local);
}

/* The snapshot before the event, or 0 while the database does not have it yet. */
static enum errcode committed_snapshot(struct persisting *p, int64_t *out)
{
    struct room_head *head;
    enum errcode found;

    *out = 0;
    if (p->build->head->version == 0)
        return OK;
    found = room_committed_head(p->call, p->build->room, &head);
    if (found == M_NOT_FOUND)
        return OK; /* the room itself is not committed yet */
    TRY(found);
    if (head->snapshot.snapshot_nid == p->build->head->snapshot.snapshot_nid)
        *out = head->snapshot.snapshot_nid;
    return OK;
}

static enum errcode evaluate_push_rules(struct persisting *p)
{
    const struct power_levels levels = room_head_power_levels(p->build->room, p->build->head);
    struct push_event event = {
        .event = p->event,
        .event_nid = p->event_nid,
        .room_nid = room_nid(p->build->room),
        .sender_nid = p->draft->sender_nid,
        .member_count = p->build->head->members.joined,
        .power_levels = &levels,
    };

    TRY(committed_snapshot(p, &event.snapshot_nid));
    return push_evaluate_event(p->call, &event, p->entry, &p->flags);
}

static void add_relation(const struct persisting *p)
{
    const struct relating relating = {
        .event = p->event,
        .room_nid = room_nid(p->build->room),
        .event_nid = p->event_nid,
        .sender_nid = p->draft->sender_nid,
        .is_own = !p->draft->is_remote,
    };

    relations_persist_in(p->entry, &relating);
}

/* What depends on the room's state, the snapshot before the event, the holes in the graph. */
static enum errcode follow_place(struct persisting *p)
{
    const struct graph_place *place = p->place;
    struct state_change change = {
        .room = p->build->room,
        .before = p->build->head->state,
        .after = place->after,
        .cause = p->event,
        .cause_nid = p->event_nid,
        .stripped_state = p->draft->stripped_state,
        .members = p->build->head->members,
    };
    struct snapshot_ref before;

    TRY(state_follow_in(p->call, p->entry, &change));
    p->members = change.members;
    p->before_nid = place->before_nid;
    if (p->before_nid == 0 && state_map_count(place->before) > 0) {
        TRY(persist_snapshot_in(p->call, p->build, p->entry, place->before, &before));
        p->before_nid = before.snapshot_nid;
    }
    if (place->was_outlier)
        event_drop_outlier_in(p->entry, p->event_nid);
    missing_prev_events_add_in(p->entry, room_nid(p->build->room), p->event_nid,
                               place->missing_prevs, place->missing_prev_count);
    missing_prev_event_filled_in(p->entry, room_nid(p->build->room), p->event->event_id);
    return OK;
}

/* Readers who follow the room from event to event must learn when its state went another way. */
static void note_jump(struct persisting *p, const struct room_head *head)
{
    const struct room_head *old = p->build->head;
    const struct room_jump jump = {
        .event_nid = p->event_nid,
        .before_nid = old->snapshot.snapshot_nid,
        .after_nid = head->snapshot.snapshot_nid,
    };
    struct state_map *expected = p->state_key_nid != 0
                                     ? state_map_set(old->state, p->state_key_nid, p->event_nid)
                                     : state_map_acquire(old->state);

    if (!room_states_equal(old->state, p->place->before) ||
        !room_states_equal(expected, head->state)) {
        p->flags |= EVENT_JUMP;
        room_jump_add_in(p->entry, room_nid(p->build->room), &jump);
    }
    state_map_release(expected);
}

static void add_new_room(struct persisting *p)
{
    if (p->build->head->version != 0)
        return;
    room_create_in(p->entry, room_nid(p->build->room), room_id(p->build->room),
                   room_version_of(p->build->room)->id, clock_wall_ms());
}

/* A message changes nothing but the timeline, so readers need not look at anything else. */
static void wake_readers(const struct persisting *p)
{
    int64_t nid = room_nid(p->build->room);

    if (p->state_key_nid == 0 && p->place == NULL &&
        strcmp(p->event->type, "m.room.redaction") != 0)
        journal_entry_wake_room_for_message(p->entry, nid);
    else
        journal_entry_wake_room(p->entry, nid);
}

static enum errcode fill_entry(struct persisting *p, const struct built_event *built,
                               struct room_head **head_out)
{
    TRY(take_numbers(p));
    add_new_room(p);
    p->before_nid = p->build->head->snapshot.snapshot_nid;
    if (p->place != NULL) {
        TRY(follow_place(p));
    } else {
        summary_follow_in(p->call, p->entry, room_nid(p->build->room), p->event);
        TRY(add_membership(p));
    }
    auth_edges_add_in(p->entry, p->event_nid, built->auth_nids);
    TRY(evaluate_push_rules(p));
    add_relation(p);
    search_follow_in(p->call, p->entry, p->event, room_nid(p->build->room), p->event_nid);
    TRY(redact_in(p->call, p->build, p->event, p->event_nid, p->entry));
    if (p->draft->transaction != NULL)
        client_transaction_add_in(p->entry, p->draft->transaction, p->event_nid, clock_wall_ms());
    wake_readers(p);
    p->cached = cached_event_create(built->arena, built->event, p->event_nid);
    /* The next head may ask for it, and the database does not have it yet. */
    if (event_is_state(p->event))
        event_cache_add(room_service_events(p->call->services->rooms), p->cached);
    TRY(next_head(p, head_out));
    if (p->place != NULL)
        note_jump(p, *head_out);
    if (p->place != NULL && p->place->missing_prev_count > 0)
        p->flags |= EVENT_GAP;
    if (p->draft->is_sent)
        p->flags |= EVENT_SENT;
    add_event_row(p, built, *head_out);
    return OK;
}

enum errcode persist_snapshot_in(struct call *call, const struct room_build *build,
                                 struct journal_entry *entry, struct state_map *state,
                                 struct snapshot_ref *out)
{
    struct snapshot_change change = {
        .room_nid = room_nid(build->room),
        .parent = build->head->snapshot,
        .after = state,
    };

    TRY(nid_next_snapshot(room_service_nids(call->services->rooms), call->db,
                          &change.snapshot_nid));
    *out = snapshot_add_state_in(entry, &change, build->head->state);
    snapshot_cache_add(room_service_snapshots(call->services->rooms), change.snapshot_nid, state);
    return OK;
}

enum errcode persist_event(struct call *call, struct room_build *build,
                           const struct event_draft *draft, struct built_event *built)
{
    return persist_event_at(call, build, draft, built, NULL);
}

enum errcode persist_event_at(struct call *call, struct room_build *build,
                              const struct event_draft *draft, struct built_event *built,
                              const struct graph_place *place)
{
    struct persisting p = {
        .place = place,
        .call = call,
        .build = build,
        .draft = draft,
        .event = built->event,
        .entry = journal_entry_create(),
    };
    struct room_head *head;

    enum errcode outcome = fill_entry(&p, built, &head);
    if (outcome == OK)
        outcome = room_build_advance(build, head, p.cached, p.entry);
    if (p.cached != NULL)
        cached_event_release(p.cached);
    else
        arena_destroy(built->arena);
    if (outcome != OK) {
        journal_entry_destroy(p.entry);
        return outcome;
    }
    room_build_add(call, build, p.entry);
    return OK;
}
