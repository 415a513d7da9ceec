/* Fetching auth events and states of other servers. */
#include "federation/receiver/outliers.h"

#include <string.h>

#include "federation/client/signed_request.h"
#include "federation/receiver/pdu_intake.h"
#include "federation/receiver/remote_room.h"
#include "federation/receiver/told_state.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/log.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/receive_event.h"
#include "homeserver/services.h"
#include "storage/events.h"
#include "storage/journal.h"

enum {
    STATE_EVENTS_MAX = 200000,
    STATE_IDS_BYTES_MAX = 32 << 20, /* both lists full */
    SINGLE_FETCHES_MAX = 50,        /* with more missing, the whole state is fetched */
    PASSES_MAX = 100,
};

static enum errcode store_one(struct call *call, struct room *room, const struct pdu_signed *pdu,
                              struct received *out)
{
    SCOPED(room_build_end) struct room_build build = {0};

    TRY(room_build_begin(call, room, &build));
    return room_receive_outlier(call, &build, pdu, out);
}

/* Auth events have a smaller depth than those that name them, but depth is only a claim: what comes
 * too early is tried again as long as others get in. */
enum errcode outliers_store(struct call *call, struct room *room, const struct pdu_signed **pdus,
                            size_t count)
{
    size_t left = pdus_oldest_first(pdus, count), before = SIZE_MAX;

    for (int pass = 0; left > 0 && left < before && pass < PASSES_MAX; pass++) {
        before = left;
        left = 0;
        for (size_t i = 0; i < before; i++) {
            struct received received;
            enum errcode outcome = store_one(call, room, pdus[i], &received);
            if (errcode_is_internal(outcome))
                return outcome;
            if (outcome == OK && received.result == RECEPTION_NEEDS_AUTH)
                pdus[left++] = pdus[i];
        }
    }
    /* Whoever asked for them looks whether they are there. */
    return commit_group_wait(call->commits);
}

static enum errcode store_json(struct call *call, struct room *room, json_t *events)
{
    const struct pdu_batch batch = {
        .version = room_version_of(room),
        .room_id = room_id(room),
        .pdus = events,
        .is_history = true,
    };
    const struct pdu_signed **pdus;
    size_t count;

    TRY(pdus_verify(call, &batch, &pdus, &count));
    return outliers_store(call, room, pdus, count);
}

static enum errcode ask(struct call *call, const struct outlier_request *request,
                        const char *target, size_t limit_bytes, json_t **out)
{
    struct error why = {0};
    struct call own = *call;
    struct federation_request call_out = {
        .method = "GET",
        .destination = request->server_name,
        .target = target,
        .answer_limit_bytes = limit_bytes,
    };

    own.error = &why;
    TRY(remote_room_own_domain(call, request->room, &call_out.origin));
    if (federation_fetch(&own, &call_out, out) != OK) {
        log_info(LOG_FEDERATION, "%s does not tell about %s: %s", request->server_name,
                 request->for_event_id, why.text);
        *out = NULL;
    }
    return OK;
}

/* What may be large is not parsed as a whole. */
static enum errcode fetch_and_store(struct call *call, const struct outlier_request *request,
                                    const char *target)
{
    SCOPED(strbuf_finish) struct strbuf body;
    struct error why = {0};
    struct call own = *call;
    struct federation_request call_out = {
        .method = "GET",
        .destination = request->server_name,
        .target = target,
        .answer_limit_bytes = FEDERATION_JOIN_BYTES_MAX,
    };

    own.error = &why;
    strbuf_init(&body, FEDERATION_JOIN_BYTES_MAX);
    TRY(remote_room_own_domain(call, request->room, &call_out.origin));
    if (federation_fetch_text(&own, &call_out, &body) == OK)
        return told_state_store(call, request->room, (struct json_span){body.data, body.length});
    log_info(LOG_FEDERATION, "%s does not tell about %s: %.200s", request->server_name,
             request->for_event_id, why.text);
    return OK;
}

enum errcode outliers_fetch_auth(struct call *call, const struct outlier_request *request)
{
    return fetch_and_store(call, request,
                           federation_target(call->arena, "/_matrix/federation/v1/event_auth/%s/%s",
                                             room_id(request->room), request->for_event_id));
}

static enum errcode list_missing(struct call *call, struct room *room, const char *const *ids,
                                 size_t count, const char **missing, size_t *missing_count_out)
{
    int64_t *nids = ARENA_ARRAY(call->arena, count, int64_t);

    TRY(event_nids_find(call->db, call->arena, room_nid(room), ids, count, nids));
    *missing_count_out = 0;
    for (size_t i = 0; i < count; i++) {
        if (nids[i] == 0)
            missing[(*missing_count_out)++] = ids[i];
    }
    return OK;
}

static enum errcode fetch_singly(struct call *call, const struct outlier_request *request,
                                 const char **ids, size_t count)
{
    json_t *events = json_on_arena(call->arena, json_array());

    for (size_t i = 0; i < count; i++) {
        json_t *answer;
        TRY(ask(call, request,
                federation_target(call->arena, "/_matrix/federation/v1/event/%s", ids[i]), 0,
                &answer));
        json_t *pdu = json_array_get(json_get_array(answer, "pdus"), 0);
        if (pdu != NULL)
            json_array_append(events, pdu);
    }
    return store_json(call, request->room, events);
}

static enum errcode fetch_whole_state(struct call *call, const struct outlier_request *request)
{
    return fetch_and_store(call, request,
                           federation_target(call->arena,
                                             "/_matrix/federation/v1/state/%s?event_id=%s",
                                             room_id(request->room), request->for_event_id));
}

static const char **read_ids(struct call *call, json_t *lists[2], size_t *count_out)
{
    size_t count = json_array_size(lists[0]) + json_array_size(lists[1]);
    const char **ids = ARENA_ARRAY(call->arena, count, const char *);

    *count_out = 0;
    for (size_t list = 0; list < 2; list++) {
        json_t *id;
        size_t i;
        json_array_foreach (lists[list], i, id) {
            if (json_text(id) != NULL)
                ids[(*count_out)++] = json_text(id);
        }
    }
    return ids;
}

enum errcode outliers_fetch_state(struct call *call, const struct outlier_request *request,
                                  const char *const **ids_out, size_t *count_out)
{
    json_t *answer;
    size_t count, missing_count;

    *ids_out = NULL;
    TRY(ask(call, request,
            federation_target(call->arena, "/_matrix/federation/v1/state_ids/%s?event_id=%s",
                              room_id(request->room), request->for_event_id),
            STATE_IDS_BYTES_MAX, &answer));
    json_t *lists[2] = {json_get_array(answer, "pdu_ids"),
                        json_get_array(answer, "auth_chain_ids")};
    if (json_array_size(lists[0]) == 0 || json_array_size(lists[0]) > STATE_EVENTS_MAX ||
        json_array_size(lists[1]) > STATE_EVENTS_MAX)
        return OK;
    const char **ids = read_ids(call, lists, &count);
    const char **missing = ARENA_ARRAY(call->arena, count, const char *);
    TRY(list_missing(call, request->room, ids, count, missing, &missing_count));
    if (missing_count > SINGLE_FETCHES_MAX)
        TRY(fetch_whole_state(call, request));
    else if (missing_count > 0)
        TRY(fetch_singly(call, request, missing, missing_count));
    json_t *state_only[2] = {lists[0], NULL};
    *ids_out = read_ids(call, state_only, count_out);
    return OK;
}

enum errcode outliers_fetch(struct call *call, const struct outlier_request *request)
{
    const char **missing = ARENA_ARRAY(call->arena, request->count, const char *);
    size_t missing_count;

    TRY(list_missing(call, request->room, request->event_ids, request->count, missing,
                     &missing_count));
    return missing_count > 0 ? fetch_singly(call, request, missing, missing_count) : OK;
}
