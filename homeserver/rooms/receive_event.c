/*
 * Receiving events: which state is before them, are they allowed, what becomes of the room.
 * The numbers in the comments are those of "Checks performed on receipt of a PDU".
 */
#include "homeserver/rooms/receive_event.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/branches.h"
#include "homeserver/rooms/named_members.h"
#include "homeserver/rooms/persist_aside.h"
#include "homeserver/rooms/persist_event.h"
#include "homeserver/rooms/redact.h"
#include "homeserver/rooms/resolve_state.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/rooms/stripped_state.h"
#include "homeserver/services.h"
#include "storage/events.h"
#include "storage/missing_prev_events.h"
#include "storage/users.h"

enum { ATTEMPTS_MAX = 5, PASSED_EVENTS_MAX = 200 };

struct receiving {
    struct call *call;
    struct room_build *build;
    const struct reception *reception;
    const struct event *event;
    struct aside aside; /* how it is stored unless it is accepted */
    const struct event **auth_events;
    int64_t *named_nids; /* parallel; 0: not known, or of another room */
    struct state_map *before;
    int64_t before_nid;        /* 0: not stored as a snapshot */
    struct state_map *current; /* the state now with what the event says of it; NULL: the head's */
    bool is_next;              /* it names just the head: nothing else need be looked at */
    bool is_filling;           /* what was built on it is here already */
    const char **missing_prevs;
    size_t missing_prev_count;
    ARRAY_OF(const char *) passed; /* named by events that are not built upon; see pass_through() */
};

static const struct stored_event *find_stored(const struct stored_event *stored, size_t count,
                                              const char *event_id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(stored[i].event_id, event_id) == 0)
            return &stored[i];
    }
    return NULL;
}

static enum errcode load_auth_events(struct receiving *r, struct received *out)
{
    struct call *call = r->call;
    const struct event *event = r->event;
    size_t count = event->auth_event_count, found;
    ARRAY_OF(const char *) missing = {0};
    struct stored_event *stored;
    int64_t *nids = ARENA_ARRAY(call->arena, count, int64_t);
    size_t nid_count = 0;

    r->auth_events = ARENA_ARRAY(call->arena, count, const struct event *);
    r->named_nids = ARENA_ARRAY(call->arena, count, int64_t);
    TRY(events_load_by_ids(call->db, call->arena, event->auth_events, count, &stored, &found));
    for (size_t i = 0; i < count; i++) {
        const struct stored_event *one = find_stored(stored, found, event->auth_events[i]);
        if (one == NULL) {
            array_push(call->arena, &missing, event->auth_events[i]);
            continue;
        }
        TRY(stored_event_parse(call->arena, event->version, one, &r->auth_events[i]));
        if (one->room_nid == room_nid(r->build->room))
            r->named_nids[i] = nids[nid_count++] = one->event_nid;
    }
    r->aside.auth_nids = (struct nid_list){nids, nid_count};
    if (missing.count > 0)
        *out = (struct received){
            .result = RECEPTION_NEEDS_AUTH, .needs = missing.items, .need_count = missing.count};
    return OK;
}

/* Whether it was received before; an outlier may get its place now. */
static enum errcode find_known(struct receiving *r, bool *is_known_out)
{
    struct stored_event known;

    *is_known_out = false;
    enum errcode found = event_load_by_id(r->call->db, r->call->arena, r->event->event_id, &known);
    if (found == M_NOT_FOUND)
        return nid_next_event(room_service_nids(r->call->services->rooms), r->call->db,
                              &r->aside.event_nid);
    TRY(found);
    r->aside.event_nid = known.event_nid;
    r->aside.was_outlier = (known.flags & EVENT_OUTLIER) != 0;
    *is_known_out = !r->aside.was_outlier || known.room_nid != room_nid(r->build->room);
    return OK;
}

static enum errcode take_numbers(struct receiving *r)
{
    struct room_service *service = r->call->services->rooms;

    r->aside.event = r->event;
    r->aside.bytes = pdu_signed_bytes(r->reception->pdu, &r->aside.byte_count);
    TRY(user_nid_intern(r->call->db, r->call->arena, r->event->sender, &r->aside.sender_nid));
    if (event_is_state(r->event))
        TRY(state_key_intern(room_service_state_keys(service), r->call->db, r->event->type,
                             r->event->state_key, &r->aside.state_key_nid));
    return OK;
}

static void release_map_deferred(void *map)
{
    state_map_release(map);
}

static void put_told(const struct receiving *r, const struct stored_event *stored,
                     struct state_map **map)
{
    if (stored->room_nid == room_nid(r->build->room) && stored->state_key_nid != 0 &&
        (stored->flags & EVENT_REJECTED) == 0)
        state_map_put(map, stored->state_key_nid, stored->event_nid);
}

/* The state that another server told us, of events that are stored. */
static enum errcode told_state(struct receiving *r, struct state_map **out)
{
    const char *after = r->reception->told_after;
    struct call *call = r->call;
    struct stored_event *stored, last;
    struct state_map *map = NULL;
    enum errcode found = OK;
    size_t count;

    TRY(events_load_by_ids(call->db, call->arena, r->reception->told_state,
                           r->reception->told_state_count, &stored, &count));
    for (size_t i = 0; i < count; i++)
        put_told(r, &stored[i], &map);
    if (after != NULL)
        found = event_load_by_id(call->db, call->arena, after, &last);
    if (after != NULL && found == OK)
        put_told(r, &last, &map);
    arena_defer(call->arena, release_map_deferred, map);
    *out = map;
    return found == M_NOT_FOUND ? OK : found;
}

/* What is behind an event that is not built upon is an end of the graph no more when somebody built
 * upon it. */
static enum errcode pass_through(struct receiving *r, const struct stored_event *prev)
{
    const struct event *event;

    if ((prev->flags & (EVENT_REJECTED | EVENT_SOFT_FAILED)) == 0 ||
        r->passed.count >= PASSED_EVENTS_MAX)
        return OK;
    TRY(stored_event_parse(r->call->arena, r->event->version, prev, &event));
    for (size_t i = 0; i < event->prev_event_count; i++)
        array_push(r->call->arena, &r->passed, event->prev_events[i]);
    return OK;
}

/* The others behind it that are not built upon either. */
static enum errcode pass_through_all(struct receiving *r)
{
    struct stored_event *stored;
    size_t done = 0, found;

    while (done < r->passed.count) {
        size_t end = r->passed.count;
        TRY(events_load_by_ids(r->call->db, r->call->arena, &r->passed.items[done], end - done,
                               &stored, &found));
        for (size_t i = 0; i < found; i++)
            TRY(pass_through(r, &stored[i]));
        done = end;
    }
    return OK;
}

/* The states after the previous events that are known; the others are counted as missing. */
static enum errcode states_of_prevs(struct receiving *r, struct state_list *states,
                                    int64_t *shared_nid_out)
{
    struct call *call = r->call;
    const struct event *event = r->event;
    struct stored_event *stored;
    size_t found;

    *shared_nid_out = 0;
    r->missing_prevs = ARENA_ARRAY(call->arena, event->prev_event_count, const char *);
    TRY(events_load_by_ids(call->db, call->arena, event->prev_events, event->prev_event_count,
                           &stored, &found));
    for (size_t i = 0; i < event->prev_event_count; i++) {
        const struct stored_event *prev = find_stored(stored, found, event->prev_events[i]);
        if (prev == NULL || prev->room_nid != room_nid(r->build->room) ||
            (prev->flags & EVENT_OUTLIER) != 0) {
            r->missing_prevs[r->missing_prev_count++] = event->prev_events[i];
            continue;
        }
        TRY(room_state_after(call, r->build->room, prev, &states->items[states->count]));
        if (event->prev_event_count == 1 &&
            (prev->state_key_nid == 0 || (prev->flags & EVENT_REJECTED) != 0))
            *shared_nid_out = prev->snapshot_nid;
        states->count++;
        TRY(pass_through(r, prev));
    }
    return OK;
}

/* While members are missing in the room's state the event tells of them. */
static enum errcode add_named_members(struct receiving *r)
{
    const struct named_members named = {
        .room = r->build->room,
        .auth_events = r->auth_events,
        .nids = r->named_nids,
        .count = r->event->auth_event_count,
    };
    struct state_map *before = r->before, *current = r->build->head->state;

    if (!r->build->head->is_partial)
        return OK;
    TRY(named_members_resolve(r->call, &named, before, &r->before));
    r->current = r->before;
    if (before != current)
        TRY(named_members_resolve(r->call, &named, current, &r->current));
    if (r->before != before) {
        r->before_nid = 0;
        r->is_next = false;
    }
    return OK;
}

static enum errcode find_state_before(struct receiving *r, struct received *out)
{
    const struct room_head *head = r->build->head;
    static const struct fresh_event none = {0};
    struct state_map *items[PREV_EVENTS_MAX + 1];
    struct state_list states = {.items = items};

    if (r->event->prev_event_count > PREV_EVENTS_MAX)
        return M_BAD_JSON; /* history: such events are told with their state */
    if (r->is_next) {
        r->before = head->state;
        r->before_nid = head->snapshot.snapshot_nid;
        return OK;
    }
    TRY(states_of_prevs(r, &states, &r->before_nid));
    if (r->missing_prev_count > 0 && r->reception->told_state == NULL) {
        *out = (struct received){.result = RECEPTION_NEEDS_PREVS,
                                 .needs = r->missing_prevs,
                                 .need_count = r->missing_prev_count};
        return OK;
    }
    if (r->missing_prev_count > 0)
        TRY(told_state(r, &states.items[states.count++]));
    if (states.count == 0)
        return fail(r->call->error, M_BAD_JSON, "The event has no previous events.");
    TRY(branches_merge(r->call, r->build->room, &states, &none, &r->before));
    if (room_states_equal(r->before, head->state))
        r->before_nid = head->snapshot.snapshot_nid;
    return OK;
}

static enum errcode judge(struct receiving *r, const struct pdu_authorised **out)
{
    struct room *room = r->build->room;
    const struct room_head *head = r->build->head;
    struct map_lookup before = {.call = r->call, .room = room, .state = r->before};
    struct map_lookup current = {.call = r->call, .room = room, .state = r->current};
    struct head_lookup known = {.call = r->call, .room = room, .head = head};
    const struct event *create = cached_event_get(head->create);
    const struct auth_state before_state = {.lookup = map_lookup_event,
                                            .context = &before,
                                            .create = create,
                                            .signatures = &auth_signatures_verified_before};
    const struct auth_state current_state = {
        .lookup = r->current != NULL ? map_lookup_event : head_lookup_event,
        .context = r->current != NULL ? (void *)&current : (void *)&known,
        .create = create,
        .signatures = &auth_signatures_verified_before};
    const struct pdu_context context = {
        .auth_events = r->auth_events,
        .create = event_is(r->event, "m.room.create", "") ? NULL : create,
        .before = &before_state,
        .current = r->reception->is_history ? NULL : &current_state,
        .policy_refusal = r->reception->policy_refusal,
    };

    *out = pdu_authorise(r->call->arena, r->reception->pdu, &context);
    TRY(before.failure);
    TRY(current.failure);
    return known.failure;
}

/* The ends of the room from then on. An event that fills a hole is none, but those before it are
 * not any more either. */
static enum errcode ends_after(struct receiving *r, const char **out)
{
    struct arena *arena = r->call->arena;
    const struct room_head *head = r->build->head;
    struct head_step step = {.event_id = r->is_filling ? NULL : r->event->event_id};

    TRY(pass_through_all(r));
    for (size_t i = 0; i < r->event->prev_event_count; i++)
        array_push(arena, &r->passed, r->event->prev_events[i]);
    step.named = r->passed.items;
    step.named_count = r->passed.count;
    char *extremities = head_extremities_after(head, &step);
    arena_defer(arena, free, extremities);
    *out = *extremities != '\0' ? extremities : head->extremities;
    return OK;
}

static enum errcode place_event(struct receiving *r, struct graph_place *out)
{
    struct call *call = r->call;
    const struct room_head *head = r->build->head;
    struct fresh_event fresh = {r->event, r->aside.event_nid, r->before};

    if (r->aside.state_key_nid != 0) {
        fresh.after = state_map_set(r->before, r->aside.state_key_nid, r->aside.event_nid);
        arena_defer(call->arena, release_map_deferred, fresh.after);
    }
    *out = (struct graph_place){
        .event_nid = r->aside.event_nid,
        .state_key_nid = r->aside.state_key_nid,
        .was_outlier = r->aside.was_outlier,
        .before = r->before,
        .before_nid = r->before_nid,
        .after = head->state,
        .missing_prevs = r->missing_prevs,
        .missing_prev_count = r->missing_prev_count,
    };
    TRY(ends_after(r, &out->extremities));
    if (r->is_filling)
        fresh = (struct fresh_event){0};
    if (strcmp(out->extremities, head->extremities) == 0)
        return OK;
    return branches_state(call, r->build->room, out->extremities, &fresh, &out->after);
}

/* Invited users of ours are shown the room as it is now. */
static enum errcode find_stripped_state(struct receiving *r, const char **out)
{
    struct call *call = r->call;
    const char *membership = event_membership(r->event);
    json_t *events;

    *out = NULL;
    if (strcmp(r->event->type, "m.room.member") != 0 || r->event->state_key == NULL ||
        membership == NULL || strcmp(membership, "invite") != 0 ||
        !config_hosts_user(config_current(call->services->config), r->event->state_key))
        return OK;
    TRY(stripped_state_make(call, r->build->room, r->build->head, r->event->sender, &events));
    *out = json_compact(call->arena, events);
    return *out != NULL ? OK : E_SYSTEM;
}

static enum errcode accept(struct receiving *r)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct event_draft draft = {
        .type = r->event->type,
        .sender = r->event->sender,
        .sender_nid = r->aside.sender_nid,
        .state_key = r->event->state_key,
        .is_remote = true,
        .is_sent = r->reception->is_sent,
    };
    struct built_event built = {
        .arena = arena,
        .json = r->aside.bytes,
        .json_size = r->aside.byte_count,
        .auth_nids = r->aside.auth_nids,
        .redacted_by_nid = r->aside.redacted_by_nid,
    };
    struct graph_place place;

    if (!event_is_state(r->event))
        built.auth_nids = (struct nid_list){0};
    TRY(find_stripped_state(r, &draft.stripped_state));
    /* The cached event outlives the call. */
    TRY(event_parse_stored(arena, r->event->version, r->event->event_id, r->aside.bytes,
                           r->aside.byte_count, &built.event));
    if (r->is_next && !r->aside.was_outlier) {
        arena = NULL;
        return persist_event(r->call, r->build, &draft, &built);
    }
    TRY(place_event(r, &place));
    arena = NULL;
    return persist_event_at(r->call, r->build, &draft, &built, &place);
}

static enum errcode store(struct receiving *r, const struct pdu_authorised *pdu,
                          struct received *out)
{
    static const enum reception_result results[] = {
        [PDU_ACCEPTED] = RECEPTION_ACCEPTED,
        [PDU_SOFT_FAILED] = RECEPTION_SOFT_FAILED,
        [PDU_REJECTED] = RECEPTION_REJECTED,
    };
    enum pdu_outcome outcome = pdu_outcome_of(pdu);

    out->result = results[outcome];
    out->why = pdu_refusal_of(pdu);
    if (outcome == PDU_ACCEPTED && !r->reception->is_history)
        return accept(r);
    r->aside.before = r->before;
    r->aside.before_nid = r->before_nid;
    r->aside.missing_prevs = r->missing_prevs;
    r->aside.missing_prev_count = r->missing_prev_count;
    if (outcome == PDU_REJECTED)
        r->aside.flags = EVENT_REJECTED;
    if (outcome == PDU_SOFT_FAILED)
        r->aside.flags = EVENT_SOFT_FAILED;
    if (outcome == PDU_ACCEPTED)
        r->aside.position = r->reception->history_position;
    return persist_aside(r->call, r->build, &r->aside);
}

static enum errcode begin(struct receiving *r, struct received *out)
{
    bool is_known;

    r->is_next = !r->reception->is_history && r->reception->told_state == NULL &&
                 head_is_named_by(r->build->head, r->event);
    /* What is redacted may have come just before. */
    if (!r->is_next || r->event->redacts != NULL)
        TRY(rooms_flush(r->call));
    TRY(find_known(r, &is_known));
    if (is_known) {
        out->result = RECEPTION_KNOWN;
        return OK;
    }
    TRY(take_numbers(r));
    TRY(load_auth_events(r, out));
    if (out->result != RECEPTION_NEEDS_AUTH || !r->is_next)
        return OK;
    /* The auth events may be among what was just built. */
    *out = (struct received){0};
    TRY(rooms_flush(r->call));
    return load_auth_events(r, out);
}

/* What names the head came after its redaction only if it did not come before: never. */
static enum errcode redact_if_late(struct receiving *r)
{
    struct late_redaction redaction;

    TRY(redact_late(r->call, r->build, r->event, &redaction));
    if (redaction.redaction_nid == 0)
        return OK;
    r->aside.redacted_by_nid = redaction.redaction_nid;
    r->aside.bytes = redaction.bytes;
    r->aside.byte_count = redaction.byte_count;
    return OK;
}

enum errcode room_receive_event(struct call *call, struct room_build *build,
                                const struct reception *reception, struct received *out)
{
    struct receiving r = {
        .call = call,
        .build = build,
        .reception = reception,
        .event = pdu_signed_event(reception->pdu),
    };
    const struct pdu_authorised *pdu;

    *out = (struct received){.result = RECEPTION_ACCEPTED};
    TRY(begin(&r, out));
    if (out->result != RECEPTION_ACCEPTED)
        return OK;
    TRY(find_state_before(&r, out));
    if (out->result != RECEPTION_ACCEPTED)
        return OK;
    TRY(add_named_members(&r));
    if (!r.is_next)
        TRY(missing_prev_event_is_named(call->db, call->arena, room_nid(build->room),
                                        r.event->event_id, &r.is_filling));
    TRY(judge(&r, &pdu));
    if (!r.is_next)
        TRY(redact_if_late(&r));
    return store(&r, pdu, out);
}

enum errcode room_receive_outlier(struct call *call, struct room_build *build,
                                  const struct pdu_signed *pdu, struct received *out)
{
    const struct reception reception = {.pdu = pdu};
    struct receiving r = {
        .call = call,
        .build = build,
        .reception = &reception,
        .event = pdu_signed_event(pdu),
    };
    const struct event *create = cached_event_get(build->head->create);
    bool is_known;

    *out = (struct received){.result = RECEPTION_ACCEPTED};
    TRY(rooms_flush(call));
    TRY(find_known(&r, &is_known));
    if (is_known || r.aside.was_outlier) {
        out->result = RECEPTION_KNOWN;
        return OK;
    }
    TRY(take_numbers(&r));
    TRY(load_auth_events(&r, out));
    if (out->result == RECEPTION_NEEDS_AUTH)
        return OK;
    const struct pdu_context context = {
        .auth_events = r.auth_events,
        .create = event_is(r.event, "m.room.create", "") ? NULL : create,
    };
    const struct pdu_authorised *judged = pdu_authorise(call->arena, pdu, &context);
    out->why = pdu_refusal_of(judged);
    r.aside.flags = EVENT_OUTLIER;
    if (pdu_outcome_of(judged) == PDU_REJECTED) {
        r.aside.flags |= EVENT_REJECTED;
        out->result = RECEPTION_REJECTED;
    }
    TRY(redact_if_late(&r));
    return persist_aside(call, build, &r.aside);
}

static enum errcode receive_once(struct call *call, struct room *room,
                                 const struct reception *reception, struct received *out)
{
    SCOPED(room_build_end) struct room_build build = {0};

    TRY(room_build_begin(call, room, &build));
    return room_receive_event(call, &build, reception, out);
}

enum errcode room_receive(struct call *call, const char *room_id, const struct reception *reception,
                          struct received *out)
{
    enum errcode outcome = E_CONFLICT;
    struct room *room;

    TRY(room_open(call, room_id, &room));
    for (int attempt = 0; outcome == E_CONFLICT && attempt < ATTEMPTS_MAX; attempt++)
        outcome = receive_once(call, room, reception, out);
    return outcome;
}
