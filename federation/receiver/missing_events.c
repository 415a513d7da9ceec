/*
 * From an event with holes around it to one that can be judged: first the events between it and
 * what we have, then, when there are too many, the state before it.
 */
#include "federation/receiver/missing_events.h"

#include <string.h>

#include "federation/client/signed_request.h"
#include "federation/receiver/outliers.h"
#include "federation/receiver/pdu_intake.h"
#include "federation/receiver/policy_intake.h"
#include "federation/receiver/remote_room.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/log.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/events.h"

enum {
    ROUNDS_MAX = 6,         /* of one event: missing auth events (twice), previous events, state */
    MISSING_EVENTS_MAX = 50 /* between two events; with more the state is fetched */
};

struct help {
    struct call *call;
    const struct event_origin *origin;
    struct room *room;
    const struct event *event;
    bool has_asked_prevs, has_asked_needed, has_asked_auth, has_asked_state;
    bool was_told; /* what lies between: if that does not connect the event, nothing of it does */
    bool was_refused_state;
};

static enum errcode receive_rounds(struct help *help, const struct reception *wanted,
                                   struct received *out);
static enum errcode fetch_state(struct help *help, struct reception *reception);

static json_t *extremities_json(struct arena *arena, const struct room_head *head)
{
    json_t *list = json_array();
    size_t count;
    const char **ids = head_ends_split(arena, head->extremities, &count);

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(ids[i]));
    return list;
}

/* Whether the state before an event is told at all; what is told of it is kept for later. */
static enum errcode ask_whether_told(const struct help *help, const struct pdu_signed *pdu,
                                     bool *is_told_out)
{
    struct reception unused = {.pdu = pdu};
    struct help asking = *help;

    asking.event = pdu_signed_event(pdu);
    TRY(fetch_state(&asking, &unused));
    *is_told_out = !asking.was_refused_state;
    return OK;
}

/* Each stands alone: one that fails is left out. Those that still have holes before them are judged
 * by the state before them, the oldest first. History may be hidden from us up to some point: a
 * server that refuses the state there is asked before the newest, and not again if it refuses that
 * as well. */
static enum errcode receive_between(struct help *help, const struct pdu_signed **pdus, size_t count)
{
    size_t kept = pdus_oldest_first(pdus, count);
    bool is_told = true, is_sure = false;

    for (size_t i = 0; i < kept; i++) {
        const struct reception reception = {.pdu = pdus[i]};
        struct received received;
        struct help inner = *help;
        inner.event = pdu_signed_event(pdus[i]);
        inner.has_asked_prevs = true;
        inner.has_asked_needed = inner.has_asked_auth = inner.was_told = false;
        inner.has_asked_state = !is_told;
        enum errcode outcome = receive_rounds(&inner, &reception, &received);
        if (errcode_is_internal(outcome))
            return outcome;
        if (!inner.was_refused_state || is_sure)
            continue;
        is_sure = true;
        TRY(ask_whether_told(help, pdus[kept - 1], &is_told));
    }
    return OK;
}

/* Asking may fail: then we go on without. */
static enum errcode fetch(struct help *help, const struct federation_request *request, json_t **out)
{
    struct error why = {0};
    struct call own = *help->call;

    own.error = &why;
    *out = NULL;
    enum errcode outcome = federation_fetch(&own, request, out);
    if (outcome == OK)
        return OK;
    log_info(LOG_FEDERATION, "%s does not help with %s: %s", help->origin->server_name,
             help->event->event_id, why.text);
    *out = NULL;
    return OK;
}

/* Previous events that have no place here yet. */
static enum errcode list_missing_prevs(struct help *help, const char ***out, size_t *count_out)
{
    const struct event *event = help->event;
    struct call *call = help->call;
    struct stored_event *stored;
    size_t found;

    *out = ARENA_ARRAY(call->arena, event->prev_event_count, const char *);
    *count_out = 0;
    TRY(rooms_flush(call));
    TRY(events_load_by_ids(call->db, call->arena, event->prev_events, event->prev_event_count,
                           &stored, &found));
    for (size_t i = 0; i < event->prev_event_count; i++) {
        bool is_here = false;
        for (size_t k = 0; k < found; k++)
            is_here = is_here || (strcmp(stored[k].event_id, event->prev_events[i]) == 0 &&
                                  (stored[k].flags & EVENT_OUTLIER) == 0);
        if (!is_here)
            (*out)[(*count_out)++] = event->prev_events[i];
    }
    return OK;
}

static enum errcode fetch_prevs(struct help *help)
{
    struct call *call = help->call;
    struct room_head *head;
    json_t *answer;
    const char *own_domain, **missing;
    size_t missing_count;

    help->has_asked_prevs = true;
    TRY(list_missing_prevs(help, &missing, &missing_count));
    if (missing_count == 0)
        return OK;
    TRY(room_committed_head(call, help->room, &head));
    TRY(remote_room_own_domain(call, help->room, &own_domain));
    json_t *content =
        json_on_arena(call->arena, json_pack("{so,s[s],si,sI}", "earliest_events",
                                             extremities_json(call->arena, head), "latest_events",
                                             help->event->event_id, "limit", MISSING_EVENTS_MAX,
                                             "min_depth", (json_int_t)0));
    const struct federation_request request = {
        .method = "POST",
        .origin = own_domain,
        .destination = help->origin->server_name,
        .target = federation_target(call->arena, "/_matrix/federation/v1/get_missing_events/%s",
                                    help->origin->room_id),
        .content = content,
    };
    TRY(fetch(help, &request, &answer));
    json_t *events = json_get_array(answer, "events");
    help->was_told = answer != NULL && (events == NULL || json_array_size(events) > 0);
    if (json_array_size(events) == 0 || json_array_size(events) > MISSING_EVENTS_MAX)
        return OK;
    const struct pdu_batch batch = {
        .version = room_version_of(help->room),
        .room_id = help->origin->room_id,
        .pdus = events,
    };
    const struct pdu_signed **pdus;
    size_t count;
    TRY(pdus_verify(call, &batch, &pdus, &count));
    return receive_between(help, pdus, count);
}

/* Mostly it is one member: that by itself first, then everything that it stands on. */
static enum errcode fetch_auth(struct help *help, const struct received *received)
{
    const struct outlier_request request = {
        .room = help->room,
        .server_name = help->origin->server_name,
        .event_ids = received->needs,
        .count = received->need_count,
        .for_event_id = help->event->event_id,
    };

    if (!help->has_asked_needed) {
        help->has_asked_needed = true;
        return outliers_fetch(help->call, &request);
    }
    help->has_asked_auth = true;
    return outliers_fetch_auth(help->call, &request);
}

/* The state after the one event that is missing is the state before this one. */
static enum errcode fetch_state_after(struct help *help, const char *missing_id,
                                      struct reception *reception)
{
    const struct outlier_request request = {
        .room = help->room,
        .server_name = help->origin->server_name,
        .event_ids = &missing_id,
        .count = 1,
        .for_event_id = missing_id,
    };

    TRY(outliers_fetch_state(help->call, &request, &reception->told_state,
                             &reception->told_state_count));
    if (reception->told_state == NULL)
        return OK;
    reception->told_after = missing_id;
    return outliers_fetch(help->call, &request);
}

static enum errcode fetch_state(struct help *help, struct reception *reception)
{
    const struct outlier_request request = {
        .room = help->room,
        .server_name = help->origin->server_name,
        .for_event_id = help->event->event_id,
    };
    const char **missing;
    size_t count;

    help->has_asked_state = true;
    TRY(list_missing_prevs(help, &missing, &count));
    if (count == 0)
        return OK;
    if (count == 1)
        TRY(fetch_state_after(help, missing[0], reception));
    else
        TRY(outliers_fetch_state(help->call, &request, &reception->told_state,
                                 &reception->told_state_count));
    help->was_refused_state = reception->told_state == NULL;
    return OK;
}

/* What comes first may bring the rest along: auth events are mostly among the events between.
 * A server whose events lead nowhere does not get to tell us the room's state as well. */
static enum errcode ask_for_more(struct help *help, struct reception *reception,
                                 const struct received *received, bool *is_helpless_out)
{
    bool needs_auth = received->result == RECEPTION_NEEDS_AUTH;

    if (help->call->must_not_wait)
        return E_OUTWARD;
    if (!help->has_asked_prevs)
        return fetch_prevs(help);
    if (needs_auth && !help->has_asked_auth)
        return fetch_auth(help, received);
    if (!help->has_asked_state && !help->was_told)
        return fetch_state(help, reception);
    *is_helpless_out = true;
    return OK;
}

/* What was held back for as long as is reasonable counts as not recommended. */
static enum errcode ask_policy(struct help *help, struct reception *reception)
{
    struct call *call = help->call;

    enum errcode asked =
        policy_check_received(call, help->room, &reception->pdu, &reception->policy_refusal);
    if (asked != E_UNAVAILABLE || !help->origin->was_patient)
        return asked;
    reception->policy_refusal = arena_strdup(call->arena, call->error->text);
    error_clear(call->error);
    return OK;
}

static enum errcode receive_rounds(struct help *help, const struct reception *wanted,
                                   struct received *out)
{
    struct reception reception = *wanted;
    bool is_helpless = false;

    if (!reception.is_history)
        TRY(ask_policy(help, &reception));
    for (int round = 0; round < ROUNDS_MAX && !is_helpless; round++) {
        TRY(room_receive(help->call, help->origin->room_id, &reception, out));
        if (out->result != RECEPTION_NEEDS_AUTH && out->result != RECEPTION_NEEDS_PREVS)
            return OK;
        TRY(ask_for_more(help, &reception, out, &is_helpless));
    }
    return fail(help->call->error, M_NOT_FOUND,
                "%zu events that it refers to can not be had, such as %s.", out->need_count,
                out->need_count > 0 ? out->needs[0] : "its state");
}

enum errcode receive_with_help(struct call *call, const struct event_origin *origin,
                               const struct reception *reception, struct received *out)
{
    struct help help = {
        .call = call,
        .origin = origin,
        .event = pdu_signed_event(reception->pdu),
    };

    TRY(room_open(call, origin->room_id, &help.room));
    return receive_rounds(&help, reception, out);
}

enum errcode receive_history(struct call *call, const struct event_origin *origin,
                             const struct reception *reception, struct received *out)
{
    struct help help = {
        .call = call,
        .origin = origin,
        .event = pdu_signed_event(reception->pdu),
        .has_asked_prevs = true,
    };

    TRY(room_open(call, origin->room_id, &help.room));
    return receive_rounds(&help, reception, out);
}
