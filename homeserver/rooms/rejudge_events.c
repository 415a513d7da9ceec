/*
 * Judging events again, previous events first: who waits for whom is counted, and whoever waits for
 * nobody is next. What was rejected and is allowed after all counts in the room's state from then
 * on, but is not shown: readers have gone past its place.
 */
#include "homeserver/rooms/rejudge_events.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/log.h"
#include "homeserver/base/map.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/pdu.h"
#include "homeserver/rooms/branches.h"
#include "homeserver/rooms/resolve_state.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/services.h"

/* An event that waits for another. */
struct waiting {
    size_t index;
    const struct waiting *next;
};

struct rejudging {
    struct call *call;
    struct rejudgement *what;
    struct map *by_id; /* event ID -> struct rejudged_event */
    struct map *auth;  /* event ID -> const struct event, of those that were judged before */
    size_t *waits_for; /* parallel to the events: how many */
    const struct waiting **awaited_by;
    ARRAY_OF(size_t) ready;
};

static void release_map_deferred(void *map)
{
    state_map_release(map);
}

static size_t index_of(const struct rejudging *r, const struct rejudged_event *one)
{
    return (size_t)(one - r->what->events);
}

static enum errcode load(struct rejudging *r)
{
    struct call *call = r->call;
    struct rejudgement *what = r->what;
    struct stored_event *stored;

    TRY(events_since(call->db, call->arena, room_nid(what->room), what->first_position, &stored,
                     &what->count));
    what->events = ARENA_ARRAY(call->arena, what->count, struct rejudged_event);
    for (size_t i = 0; i < what->count; i++) {
        struct rejudged_event *one = &what->events[i];
        one->stored = &stored[i];
        one->flags = stored[i].flags;
        one->is_touched = stored[i].position > 0;
        TRY(stored_event_parse(call->arena, room_version_of(what->room), &stored[i], &one->event));
        map_set(r->by_id, stored[i].event_id, one);
    }
    return OK;
}

static void order(struct rejudging *r)
{
    size_t count = r->what->count;
    struct arena *arena = r->call->arena;

    r->waits_for = ARENA_ARRAY(arena, count, size_t);
    r->awaited_by = ARENA_ARRAY(arena, count, const struct waiting *);
    for (size_t i = 0; i < count; i++) {
        const struct event *event = r->what->events[i].event;
        bool is_first = r->what->events[i].stored->event_nid == r->what->first_nid;
        for (size_t k = 0; !is_first && k < event->prev_event_count; k++) {
            const struct rejudged_event *prev = map_get(r->by_id, event->prev_events[k]);
            if (prev == NULL || prev == &r->what->events[i])
                continue;
            struct waiting *waiting = ARENA_NEW(arena, struct waiting);
            *waiting = (struct waiting){i, r->awaited_by[index_of(r, prev)]};
            r->awaited_by[index_of(r, prev)] = waiting;
            r->waits_for[i]++;
        }
        if (r->waits_for[i] == 0)
            array_push(arena, &r->ready, i);
    }
}

/* ── The state before an event ───────────────────────────────────────────────────────────────── */

static enum errcode state_after_others(struct rejudging *r, const char *const *ids, size_t count,
                                       struct state_list *states, size_t *found_out)
{
    struct call *call = r->call;
    struct stored_event *stored;
    size_t found;

    *found_out = 0;
    if (count == 0)
        return OK;
    TRY(events_load_by_ids(call->db, call->arena, ids, count, &stored, &found));
    for (size_t i = 0; i < found; i++) {
        if (stored[i].room_nid != room_nid(r->what->room) || (stored[i].flags & EVENT_OUTLIER) != 0)
            continue;
        TRY(room_state_after(call, r->what->room, &stored[i], &states->items[states->count++]));
        (*found_out)++;
    }
    return OK;
}

/* The states after these events; `*are_all_known_out` is false when some are not here. */
static enum errcode states_after(struct rejudging *r, const char *const *ids, size_t count,
                                 struct state_list *states, bool *are_all_known_out)
{
    const char **others = ARENA_ARRAY(r->call->arena, count, const char *);
    size_t other_count = 0, found;

    for (size_t i = 0; i < count; i++) {
        const struct rejudged_event *one = map_get(r->by_id, ids[i]);
        if (one != NULL && one->is_touched)
            states->items[states->count++] = one->after;
        else
            others[other_count++] = ids[i];
    }
    TRY(state_after_others(r, others, other_count, states, &found));
    *are_all_known_out = found == other_count;
    return OK;
}

static enum errcode find_before(struct rejudging *r, struct rejudged_event *one)
{
    static const struct fresh_event none = {0};
    const struct event *event = one->event;
    struct state_list states = {
        .items = ARENA_ARRAY(r->call->arena, event->prev_event_count + 1, struct state_map *),
    };
    bool are_all_known;

    if (one->stored->event_nid == r->what->first_nid) {
        one->before = r->what->first_before;
        return OK;
    }
    TRY(states_after(r, event->prev_events, event->prev_event_count, &states, &are_all_known));
    /* Where previous events are missing another server told the state. */
    if (!are_all_known || states.count == 0)
        TRY(room_state_of_snapshot(r->call, r->what->room, one->stored->snapshot_nid,
                                   &states.items[states.count++]));
    return branches_merge(r->call, r->what->room, &states, &none, &one->before);
}

/* ── The judgement ───────────────────────────────────────────────────────────────────────────── */

static enum errcode load_auth_events(struct rejudging *r, const struct event *event)
{
    struct call *call = r->call;
    const char **ids = ARENA_ARRAY(call->arena, event->auth_event_count, const char *);
    struct stored_event *stored;
    size_t count = 0;

    for (size_t i = 0; i < event->auth_event_count; i++) {
        if (!map_contains(r->by_id, event->auth_events[i]) &&
            !map_contains(r->auth, event->auth_events[i]))
            ids[count++] = event->auth_events[i];
    }
    if (count == 0)
        return OK;
    TRY(events_load_by_ids(call->db, call->arena, ids, count, &stored, &count));
    for (size_t i = 0; i < count; i++) {
        const struct event *auth;
        TRY(stored_event_parse(call->arena, event->version, &stored[i], &auth));
        map_set(r->auth, auth->event_id, (void *)(uintptr_t)auth);
    }
    return OK;
}

static enum errcode judge(struct rejudging *r, const struct rejudged_event *one, bool *rejected_out)
{
    struct call *call = r->call;
    const struct event *event = one->event;
    const struct event *create = cached_event_get(r->what->head->create);
    const struct event **auth_events =
        ARENA_ARRAY(call->arena, event->auth_event_count, const struct event *);
    struct map_lookup lookup = {.call = call, .room = r->what->room, .state = one->before};
    const struct auth_state before = {
        .lookup = map_lookup_event,
        .context = &lookup,
        .create = create,
        .signatures = &auth_signatures_verified_before,
    };
    const struct pdu_context context = {
        .auth_events = auth_events, .create = create, .before = &before};
    const char *why = NULL;

    TRY(load_auth_events(r, event));
    for (size_t i = 0; i < event->auth_event_count; i++) {
        const struct rejudged_event *among = map_get(r->by_id, event->auth_events[i]);
        auth_events[i] = among != NULL ? among->event : map_get(r->auth, event->auth_events[i]);
    }
    *rejected_out = pdu_judge_again(event, &context, &why) == PDU_REJECTED;
    TRY(lookup.failure);
    if (*rejected_out != ((one->flags & EVENT_REJECTED) != 0))
        log_info(LOG_ROOMS, "Now that the state of %s is known, %s is %s%s%s.", event->room_id,
                 event->event_id, *rejected_out ? "rejected" : "allowed", why != NULL ? ": " : "",
                 why != NULL ? why : "");
    return OK;
}

static void set_outcome(struct rejudging *r, struct rejudged_event *one, bool is_rejected)
{
    struct event *copy;

    if (is_rejected != ((one->flags & EVENT_REJECTED) != 0)) {
        copy = arena_memdup(r->call->arena, one->event, sizeof(*copy));
        copy->rejected = is_rejected;
        one->event = copy;
        one->flags ^= EVENT_REJECTED;
        if (!is_rejected)
            one->flags |= EVENT_SOFT_FAILED;
    }
    one->after = one->before;
    if (one->stored->state_key_nid == 0 || is_rejected)
        return;
    one->after = state_map_set(one->before, one->stored->state_key_nid, one->stored->event_nid);
    arena_defer(r->call->arena, release_map_deferred, one->after);
}

static enum errcode judge_one(struct rejudging *r, size_t index)
{
    struct rejudged_event *one = &r->what->events[index];
    bool is_rejected;

    if (one->is_touched) {
        TRY(find_before(r, one));
        TRY(judge(r, one, &is_rejected));
        set_outcome(r, one, is_rejected);
    }
    for (const struct waiting *w = r->awaited_by[index]; w != NULL; w = w->next) {
        r->what->events[w->index].is_touched |= one->is_touched;
        if (--r->waits_for[w->index] == 0)
            array_push(r->call->arena, &r->ready, w->index);
    }
    return OK;
}

/* ── The room's ends ─────────────────────────────────────────────────────────────────────────── */

/* IDs that an event which counts was built on. */
static struct map *list_built_on(struct rejudging *r)
{
    struct map *built_on = map_create(r->call->arena);

    for (size_t i = 0; i < r->what->count; i++) {
        const struct rejudged_event *one = &r->what->events[i];
        for (size_t k = 0; k < one->event->prev_event_count; k++) {
            if ((one->flags & (EVENT_REJECTED | EVENT_SOFT_FAILED)) == 0)
                map_set(built_on, one->event->prev_events[k], NULL);
        }
    }
    return built_on;
}

/* Where an end does not count any more, what it was built on is one instead. */
static enum errcode find_ends(struct rejudging *r, const char ***ids_out, size_t *count_out)
{
    struct arena *arena = r->call->arena;
    struct map *built_on = list_built_on(r), *seen = map_create(arena);
    ARRAY_OF(const char *) todo = {0}, ends = {0};
    size_t count;
    const char **old = head_ends_split(arena, r->what->head->extremities, &count);

    for (size_t i = 0; i < count; i++)
        array_push(arena, &todo, old[i]);
    for (size_t i = 0; i < todo.count; i++) {
        const struct rejudged_event *one = map_get(r->by_id, todo.items[i]);
        if (map_contains(seen, todo.items[i]) || map_contains(built_on, todo.items[i]))
            continue;
        map_set(seen, todo.items[i], NULL);
        if (one == NULL || (one->flags & EVENT_REJECTED) == 0 || one->event->prev_event_count == 0)
            array_push(arena, &ends, todo.items[i]);
        for (size_t k = 0;
             one != NULL && (one->flags & EVENT_REJECTED) != 0 && k < one->event->prev_event_count;
             k++)
            array_push(arena, &todo, one->event->prev_events[k]);
    }
    *ids_out = ends.items;
    *count_out = ends.count;
    return OK;
}

static enum errcode meet(struct rejudging *r)
{
    static const struct fresh_event none = {0};
    struct call *call = r->call;
    struct rejudgement *what = r->what;
    struct state_list states = {0};
    struct strbuf text;
    const char **ends;
    size_t count;
    bool are_all_known;

    TRY(find_ends(r, &ends, &count));
    states.items = ARENA_ARRAY(call->arena, count + 1, struct state_map *);
    TRY(states_after(r, ends, count, &states, &are_all_known));
    if (states.count == 0)
        return fail(call->error, E_DATABASE, "%s has no end.", room_id(what->room));
    TRY(branches_merge(call, what->room, &states, &none, &what->state));
    strbuf_init(&text, 0);
    for (size_t i = 0; i < count; i++)
        strbuf_printf(&text, "%s%s", i > 0 ? "\n" : "", ends[i]);
    what->extremities = arena_strndup(call->arena, text.data, text.length);
    strbuf_finish(&text);
    return OK;
}

/* ── How readers see it ──────────────────────────────────────────────────────────────────────── */

/* The room's state at the arrival of each event, for readers who follow the room from one to the
 * next: what went before, joined by what each event brings. */
static enum errcode find_jumps(struct rejudging *r)
{
    static const struct fresh_event none = {0};
    struct rejudgement *what = r->what;
    struct state_map *at_arrival = what->first_before;
    struct rejudged_event *last = NULL;

    for (size_t i = 0; i < what->count; i++) {
        struct rejudged_event *one = &what->events[i];
        struct state_map *items[2] = {at_arrival, one->after};
        const struct state_list both = {items, 2};
        if (one->stored->position <= 0)
            continue;
        one->flags &= ~(unsigned)EVENT_JUMP;
        one->jump_before = at_arrival;
        one->jump_after = one->after;
        if (!room_states_equal(at_arrival, one->before)) {
            one->flags |= EVENT_JUMP;
            TRY(branches_merge(r->call, what->room, &both, &none, &one->jump_after));
        }
        at_arrival = one->jump_after;
        last = one;
    }
    if (last != NULL && !room_states_equal(at_arrival, what->state)) {
        last->flags |= EVENT_JUMP;
        last->jump_after = what->state;
    }
    return OK;
}

enum errcode events_rejudge(struct call *call, struct rejudgement *what)
{
    struct rejudging r = {
        .call = call,
        .what = what,
        .by_id = map_create(call->arena),
        .auth = map_create(call->arena),
    };

    TRY(load(&r));
    order(&r);
    for (size_t i = 0; i < r.ready.count; i++)
        TRY(judge_one(&r, r.ready.items[i]));
    TRY(meet(&r));
    return find_jumps(&r);
}
