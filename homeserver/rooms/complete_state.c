/* From what is known of a room after a partial-state join to all of it. */
#include "homeserver/rooms/complete_state.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/log.h"
#include "homeserver/protocol/event.h"
#include "homeserver/rooms/follow_member.h"
#include "homeserver/rooms/follow_summary.h"
#include "homeserver/rooms/missed_devices.h"
#include "homeserver/rooms/rejudge_events.h"
#include "homeserver/rooms/resolve_state.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/rooms/snapshot_cache.h"
#include "homeserver/services.h"
#include "storage/device_list_changes.h"
#include "storage/events.h"
#include "storage/journal.h"
#include "storage/memberships.h"
#include "storage/partial_state_rooms.h"
#include "storage/room_jumps.h"
#include "storage/room_summaries.h"
#include "storage/users.h"

enum { DIRECTORY_MEMBERS_MAX = 1000, EVENTS_AT_ONCE = 500 };

struct changed_key {
    int64_t key_nid;
    int64_t old_nid;
    int64_t new_nid;
};

struct completing {
    struct call *call;
    const struct room_completion *what;
    struct room_build *build;
    struct journal_entry *entry;
    struct partial_state_room partial;
    struct missed_devices *missed;
    struct state_map *join_before; /* owned */
    struct rejudgement rejudgement;
    struct snapshot_ref snapshot; /* the last that was added … */
    struct state_map *written;    /* … and its state */
    ARRAY_OF(struct changed_key) changed;
    size_t in_directory; /* members that the user directory was told of */
};

/* ── The state before the join ───────────────────────────────────────────────────────────────── */

static enum errcode put_state(struct completing *c, const struct stored_event *event)
{
    if (event->room_nid != room_nid(c->what->room) || event->state_key_nid == 0 ||
        (event->flags & EVENT_REJECTED) != 0)
        return OK;
    state_map_put(&c->join_before, event->state_key_nid, event->event_nid);
    return missed_devices_see(c->missed, event);
}

/* The events themselves are many, and not needed any longer than to see what they are. */
static enum errcode put_states(struct completing *c, const char *const *ids, size_t count)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct stored_event *stored;

    TRY(events_load_by_ids(c->call->db, arena, ids, count, &stored, &count));
    for (size_t i = 0; i < count; i++)
        TRY(put_state(c, &stored[i]));
    return OK;
}

/* The most of the work, and none that the room would have to stand still for. */
static enum errcode read_told_state(struct completing *c)
{
    struct call *call = c->call;
    size_t total = c->what->state_count;

    TRY(partial_state_load(call->db, call->arena, room_nid(c->what->room), &c->partial));
    c->missed = missed_devices_create(call, &c->partial);
    for (size_t i = 0; i < total; i += EVENTS_AT_ONCE)
        TRY(put_states(c, c->what->state_ids + i,
                       total - i < EVENTS_AT_ONCE ? total - i : EVENTS_AT_ONCE));
    return c->what->upon_id != NULL ? put_states(c, &c->what->upon_id, 1) : OK;
}

/* That the room still waits for this, and that this is its state. */
static enum errcode check_told_state(struct completing *c)
{
    struct call *call = c->call;
    struct partial_state_room now;
    int64_t create_key;

    TRY(partial_state_load(call->db, call->arena, room_nid(c->what->room), &now));
    if (now.join_nid != c->what->join_nid || now.began_position != c->partial.began_position)
        return M_NOT_FOUND;
    TRY(state_key_find(room_service_state_keys(call->services->rooms), call->db, "m.room.create",
                       "", &create_key));
    if (state_map_get(c->join_before, create_key) == 0 ||
        state_map_get(c->join_before, create_key) !=
            state_map_get(c->build->head->state, create_key))
        return fail(call->error, E_REMOTE, "This is not the state of %s.", room_id(c->what->room));
    return OK;
}

static enum errcode rejudge(struct completing *c)
{
    bool is_there = false;

    c->rejudgement = (struct rejudgement){
        .room = c->what->room,
        .head = c->build->head,
        .first_nid = c->what->join_nid,
        .first_position = c->partial.began_position,
        .first_before = c->join_before,
    };
    TRY(events_rejudge(c->call, &c->rejudgement));
    for (size_t i = 0; i < c->rejudgement.count; i++) {
        const struct rejudged_event *one = &c->rejudgement.events[i];
        is_there |= one->stored->event_nid == c->what->join_nid;
        if ((one->flags & EVENT_REJECTED) == 0)
            TRY(missed_devices_see(c->missed, one->stored));
    }
    return is_there ? OK
                    : fail(c->call->error, E_DATABASE, "The join to %s is gone.",
                           room_id(c->what->room));
}

/* ── Snapshots ───────────────────────────────────────────────────────────────────────────────── */

/* Each as a difference to the one before: in order of position little changes from one to the next.
 */
static enum errcode add_snapshot(struct completing *c, struct state_map *state, int64_t *nid_out)
{
    struct room_service *service = c->call->services->rooms;
    struct snapshot_change change = {
        .room_nid = room_nid(c->what->room),
        .parent = c->snapshot,
        .after = state,
    };

    if (c->snapshot.snapshot_nid == 0 || !room_states_equal(c->written, state)) {
        TRY(nid_next_snapshot(room_service_nids(service), c->call->db, &change.snapshot_nid));
        c->snapshot = snapshot_add_state_in(c->entry, &change, c->written);
        snapshot_cache_add(room_service_snapshots(service), change.snapshot_nid, state);
        c->written = state;
    }
    *nid_out = c->snapshot.snapshot_nid;
    return OK;
}

static enum errcode add_jump(struct completing *c, const struct rejudged_event *one)
{
    struct room_jump jump = {.event_nid = one->stored->event_nid};

    TRY(add_snapshot(c, one->jump_before, &jump.before_nid));
    TRY(add_snapshot(c, one->jump_after, &jump.after_nid));
    room_jump_add_in(c->entry, room_nid(c->what->room), &jump);
    return OK;
}

static enum errcode add_verdicts(struct completing *c)
{
    struct arena *arena = c->call->arena;
    size_t total = c->rejudgement.count, count = 0;
    struct event_verdict *verdicts = ARENA_ARRAY(arena, total, struct event_verdict);
    int64_t *nids = ARENA_ARRAY(arena, total, int64_t);

    for (size_t i = 0; i < total; i++)
        nids[i] = c->rejudgement.events[i].stored->event_nid;
    room_jumps_clear_in(c->entry, (struct nid_list){nids, total});
    for (size_t i = 0; i < total; i++) {
        const struct rejudged_event *one = &c->rejudgement.events[i];
        struct event_verdict *verdict = &verdicts[count];
        if (!one->is_touched)
            continue;
        *verdict = (struct event_verdict){
            .event_nid = one->stored->event_nid,
            .flags = one->flags,
            .replaces_nid = one->stored->state_key_nid != 0
                                ? state_map_get(one->before, one->stored->state_key_nid)
                                : 0,
        };
        TRY(add_snapshot(c, one->before, &verdict->snapshot_nid));
        if ((one->flags & EVENT_JUMP) != 0)
            TRY(add_jump(c, one));
        count++;
    }
    events_rejudge_in(c->entry, verdicts, count);
    return OK;
}

/* ── What depends on the state ───────────────────────────────────────────────────────────────── */

static bool collect(void *context, int64_t key, int64_t old_value, int64_t new_value)
{
    struct completing *c = context;
    const struct changed_key changed = {key, old_value, new_value};

    array_push(c->call->arena, &c->changed, changed);
    return true;
}

/* Some of the changed keys: events are many and large, and are let go of after a look. */
struct portion {
    struct call call; /* on an arena of its own */
    const struct changed_key *changed;
    size_t count;
    struct state_key_pair *pairs; /* parallel, as the rest */
    const struct event **events;  /* that are the state now; NULL where there is none */
    const struct stored_event **stored;
};

static enum errcode load_events(const struct completing *c, struct portion *p)
{
    struct call *call = &p->call;
    int64_t *nids = ARENA_ARRAY(call->arena, p->count, int64_t);
    struct state_map *places = NULL;
    struct stored_event *stored;
    size_t count;

    p->events = ARENA_ARRAY(call->arena, p->count, const struct event *);
    p->stored = ARENA_ARRAY(call->arena, p->count, const struct stored_event *);
    for (size_t i = 0; i < p->count; i++) {
        nids[i] = p->changed[i].new_nid;
        if (nids[i] != 0)
            state_map_put(&places, nids[i], (int64_t)i + 1);
    }
    enum errcode loaded = events_load(call->db, call->arena, nids, p->count, &stored, &count);
    for (size_t i = 0; loaded == OK && i < count; i++) {
        size_t place = (size_t)state_map_get(places, stored[i].event_nid) - 1;
        p->stored[place] = &stored[i];
        loaded = stored_event_parse(call->arena, room_version_of(c->what->room), &stored[i],
                                    &p->events[place]);
    }
    state_map_release(places);
    return loaded;
}

static enum errcode load_portion(const struct completing *c, struct portion *p)
{
    struct call *call = &p->call;
    int64_t *keys = ARENA_ARRAY(call->arena, p->count, int64_t);

    for (size_t i = 0; i < p->count; i++)
        keys[i] = p->changed[i].key_nid;
    TRY(state_keys_resolve(room_service_state_keys(call->services->rooms), call->db, call->arena,
                           keys, p->count, &p->pairs));
    return load_events(c, p);
}

struct member_rows {
    struct membership_row *items;
    size_t count;
};

/* Members that were there when we came have been so since then. Whoever changed in another way, and
 * those of ours, whose clients are to hear of it, change now. */
static void add_row(struct completing *c, const struct changed_key *changed,
                    const struct membership_row *row, struct member_rows lists[2])
{
    struct member_rows *list = &lists[changed->old_nid == 0 && !row->is_local ? 0 : 1];

    list->items[list->count++] = *row;
    if (row->is_local)
        journal_entry_wake_user(c->entry, row->user_nid);
}

static bool is_member_key(const struct state_key_pair *pair)
{
    return pair->type != NULL && strcmp(pair->type, "m.room.member") == 0;
}

static enum errcode add_members(struct completing *c, struct portion *p,
                                struct member_rows lists[2])
{
    struct call *call = &p->call;
    const struct config *config = config_current(call->services->config);
    const char **ids = ARENA_ARRAY(call->arena, p->count, const char *);
    size_t *places = ARENA_ARRAY(call->arena, p->count, size_t), count = 0;
    int64_t *nids = ARENA_ARRAY(call->arena, p->count, int64_t);

    for (size_t i = 0; i < p->count; i++) {
        if (!is_member_key(&p->pairs[i]))
            continue;
        ids[count] = p->pairs[i].state_key;
        places[count++] = i;
    }
    TRY(user_nids_intern(call->db, call->arena, ids, count, nids));
    for (size_t i = 0; i < count; i++) {
        const struct changed_key *changed = &p->changed[places[i]];
        const struct event *event = p->events[places[i]];
        const struct membership_row row = {
            .user_nid = nids[i],
            .membership =
                event != NULL ? membership_from_text(event_membership(event)) : STORED_LEAVE,
            .is_local = config_hosts_user(config, ids[i]),
            .event_nid = changed->new_nid,
            .sender_nid = event != NULL ? p->stored[places[i]]->sender_nid : nids[i],
        };
        add_row(c, changed, &row, lists);
        if (event != NULL && c->in_directory++ < DIRECTORY_MEMBERS_MAX)
            TRY(directory_follow_in(call, c->entry, event, row.user_nid, row.is_local));
    }
    return OK;
}

static enum errcode add_portion(struct completing *c, size_t start, size_t count,
                                struct member_rows lists[2])
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct portion portion = {
        .call = *c->call, .changed = c->changed.items + start, .count = count};
    int64_t nid = room_nid(c->what->room);

    portion.call.arena = arena;
    TRY(load_portion(c, &portion));
    for (size_t i = 0; i < count; i++) {
        const struct state_key_pair *pair = &portion.pairs[i];
        if (pair->type == NULL || is_member_key(pair))
            continue;
        if (portion.events[i] != NULL)
            summary_follow_in(&portion.call, c->entry, nid, portion.events[i]);
        else if (*pair->state_key == '\0')
            summary_clear_in(c->entry, nid, pair->type);
    }
    return add_members(c, &portion, lists);
}

static enum errcode add_dependents(struct completing *c)
{
    struct arena *arena = c->call->arena;
    int64_t nid = room_nid(c->what->room);

    state_map_diff(c->build->head->state, c->rejudgement.state, collect, c);
    size_t total = c->changed.count;
    struct member_rows lists[2] = {{ARENA_ARRAY(arena, total, struct membership_row), 0},
                                   {ARENA_ARRAY(arena, total, struct membership_row), 0}};
    for (size_t i = 0; i < total; i += EVENTS_AT_ONCE)
        TRY(add_portion(c, i, total - i < EVENTS_AT_ONCE ? total - i : EVENTS_AT_ONCE, lists));
    memberships_set_many_in(c->entry, nid, c->partial.began_position, lists[0].items,
                            lists[0].count);
    memberships_set_many_in(c->entry, nid, JOURNAL_POSITION_MARK, lists[1].items, lists[1].count);
    memberships_drop_older_in(c->entry, nid, c->partial.began_position);
    room_summary_recount_in(c->entry, nid);
    device_lists_repeat_in(c->entry, nid, c->partial.began_position);
    return OK;
}

/* ── The entry ───────────────────────────────────────────────────────────────────────────────── */

static enum errcode fill_entry(struct completing *c)
{
    struct partial_state_end end = {
        .room_nid = room_nid(c->what->room),
        .join_nid = c->what->join_nid,
        .head_version = c->build->head->version,
        .extremities = c->rejudgement.extremities,
    };

    TRY(add_verdicts(c));
    TRY(add_snapshot(c, c->rejudgement.state, &end.snapshot_nid));
    TRY(add_dependents(c));
    partial_state_complete_in(c->entry, &end);
    return OK;
}

struct old_head {
    struct room_service *rooms;
    int64_t room_nid;
};

static void forget_old_head(void *context, enum errcode outcome, int64_t position)
{
    struct old_head *old = context;

    (void)outcome;
    (void)position;
    rooms_forget_heads(old->rooms, &old->room_nid, 1);
    free(old);
}

/* Nobody builds on what is not true any more, the build is ours until the end; and who is woken by
 * the commit must find the new head. */
static enum errcode commit_head(struct call *call, const struct room *room,
                                struct journal_entry *entry_owned)
{
    struct old_head *old = calloc(1, sizeof(*old));

    if (old == NULL)
        abort();
    *old = (struct old_head){call->services->rooms, room_nid(room)};
    journal_entry_on_outcome(entry_owned, forget_old_head, old);
    journal_entry_wake_room(entry_owned, room_nid(room));
    journal_submit(call->services->journal, entry_owned, call->commits);
    return commit_group_wait(call->commits);
}

static enum errcode complete(struct completing *c)
{
    struct call *call = c->call;

    TRY(rooms_flush(call));
    TRY(check_told_state(c));
    TRY(rejudge(c));
    TRY(fill_entry(c));
    TRY(missed_devices_tell(c->missed, c->rejudgement.state));
    struct journal_entry *entry = c->entry;
    c->entry = NULL;
    TRY(commit_head(call, c->what->room, entry));
    log_info(LOG_ROOMS, "The state of %s is complete: %zu events, %zu of which were not known.",
             room_id(c->what->room), state_map_count(c->rejudgement.state), c->changed.count);
    return OK;
}

enum errcode room_complete_state(struct call *call, const struct room_completion *completion)
{
    SCOPED(room_build_end) struct room_build build = {0};
    struct completing c = {
        .call = call,
        .what = completion,
        .build = &build,
        .entry = journal_entry_create(),
    };

    enum errcode outcome = read_told_state(&c);
    if (outcome == OK)
        outcome = room_build_begin(call, completion->room, &build);
    if (outcome == OK)
        outcome = complete(&c);
    state_map_release(c.join_before);
    journal_entry_destroy(c.entry);
    return outcome;
}

enum errcode room_abandon_state(struct call *call, struct room *room)
{
    SCOPED(room_build_end) struct room_build build = {0};
    struct nid_list ours;
    int64_t nid = room_nid(room);

    TRY(room_build_begin(call, room, &build));
    TRY(rooms_flush(call));
    TRY(memberships_of_room(call->db, call->arena, nid, STORED_JOIN, true, &ours));
    if (ours.count > 0)
        return OK; /* somebody came back meanwhile */
    struct journal_entry *entry = journal_entry_create();
    partial_state_abandon_in(entry, nid);
    return commit_head(call, room, entry);
}
