/* Fetching auth events and states of other servers. */
#include "federation/receiver/outliers.h"

#include <string.h>

#include "federation/client/signed_request.h"
#include "federation/receiver/event_set.h"
#include "federation/receiver/pdu_intake.h"
#include "federation/receiver/remote_room.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/log.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/import_room.h"
#include "homeserver/rooms/receive_event.h"
#include "homeserver/services.h"
#include "storage/events.h"
#include "storage/journal.h"

enum {
    STATE_EVENTS_MAX = 200000,
    AUTH_EVENTS_FETCHED_MAX = 20000,
    SINGLE_FETCHES_MAX = 50, /* with more missing, the whole state is fetched */
    PASSES_MAX = 100,
    MANY = 200 /* above, what comes is a whole state with its auth chains */
};

static enum errcode store_one(struct call *call, struct room *room, const struct pdu_signed *pdu,
                              struct received *out)
{
    SCOPED(room_build_end) struct room_build build = {0};

    TRY(room_build_begin(call, room, &build));
    return room_receive_outlier(call, &build, pdu, out);
}

static int compare_depth(const void *a, const void *b)
{
    const struct event *left = pdu_signed_event(*(const struct pdu_signed *const *)a);
    const struct event *right = pdu_signed_event(*(const struct pdu_signed *const *)b);

    return (left->depth > right->depth) - (left->depth < right->depth);
}

/* Auth events have a smaller depth than those that name them, but depth is only a claim: what comes
 * too early is tried again as long as others get in. */
enum errcode outliers_store(struct call *call, struct room *room, const struct pdu_signed **pdus,
                            size_t count)
{
    size_t left = 0, before = SIZE_MAX;

    for (size_t i = 0; i < count; i++) {
        if (pdus[i] != NULL)
            pdus[left++] = pdus[i];
    }
    qsort(pdus, left, sizeof(*pdus), compare_depth);
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
    return OK;
}

/* What the answer leaves out because it knows that we have it. */
static enum errcode load_known(struct call *call, struct room *room,
                               const struct pdu_signed *const *pdus, size_t count,
                               struct known_events *out)
{
    struct map *told = map_create(call->arena);
    ARRAY_OF(const char *) elsewhere = {0};
    struct stored_event *stored;
    struct room_head *head;
    size_t found;

    for (size_t i = 0; i < count; i++) {
        if (pdus[i] != NULL)
            map_set(told, pdu_signed_event(pdus[i])->event_id, NULL);
    }
    for (size_t i = 0; i < count; i++) {
        const struct event *event = pdus[i] != NULL ? pdu_signed_event(pdus[i]) : NULL;
        for (size_t k = 0; event != NULL && k < event->auth_event_count; k++) {
            if (map_contains(told, event->auth_events[k]))
                continue;
            map_set(told, event->auth_events[k], NULL);
            array_push(call->arena, &elsewhere, event->auth_events[k]);
        }
    }
    TRY(events_load_by_ids(call->db, call->arena, elsewhere.items, elsewhere.count, &stored,
                           &found));
    const struct event **items = ARENA_ARRAY(call->arena, found, const struct event *);
    *out = (struct known_events){.items = items};
    for (size_t i = 0; i < found; i++) {
        if (stored[i].room_nid == room_nid(room))
            TRY(stored_event_parse(call->arena, room_version_of(room), &stored[i],
                                   &items[out->count++]));
    }
    TRY(room_committed_head(call, room, &head));
    out->create = cached_event_get(head->create);
    return OK;
}

/* A whole state at once, judged by itself: one entry of the journal. Doubles of what is stored are
 * left as they are. */
static enum errcode store_many(struct call *call, struct room *room,
                               const struct pdu_signed *const *pdus, size_t count)
{
    struct known_events known;
    struct event_set *set;

    TRY(load_known(call, room, pdus, count, &known));
    TRY(event_set_judge(call, pdus, count, &known, &set));
    const struct pdu_authorised *const *judged = event_set_events(set, &count);
    const struct pdu_authorised **kept =
        ARENA_ARRAY(call->arena, count, const struct pdu_authorised *);
    size_t kept_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (pdu_event_of(judged[i])->state_key != NULL)
            kept[kept_count++] = judged[i];
    }
    if (kept_count == 0)
        return OK;
    TRY(room_import_outliers(call, room, kept, kept_count));
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
    return count > MANY ? store_many(call, room, pdus, count)
                        : outliers_store(call, room, pdus, count);
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

enum errcode outliers_fetch_auth(struct call *call, const struct outlier_request *request)
{
    json_t *answer;

    TRY(ask(call, request,
            federation_target(call->arena, "/_matrix/federation/v1/event_auth/%s/%s",
                              room_id(request->room), request->for_event_id),
            FEDERATION_JOIN_BYTES_MAX, &answer));
    json_t *chain = json_get_array(answer, "auth_chain");
    if (json_array_size(chain) == 0 || json_array_size(chain) > AUTH_EVENTS_FETCHED_MAX)
        return OK;
    return store_json(call, request->room, chain);
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
    json_t *answer;

    TRY(ask(call, request,
            federation_target(call->arena, "/_matrix/federation/v1/state/%s?event_id=%s",
                              room_id(request->room), request->for_event_id),
            FEDERATION_JOIN_BYTES_MAX, &answer));
    json_t *chain = json_get_array(answer, "auth_chain"), *pdus = json_get_array(answer, "pdus");
    if (json_array_size(chain) > STATE_EVENTS_MAX || json_array_size(pdus) > STATE_EVENTS_MAX)
        return OK;
    json_t *all = json_on_arena(call->arena, json_array());
    json_array_extend(all, chain);
    json_array_extend(all, pdus);
    return store_json(call, request->room, all);
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
            FEDERATION_JOIN_BYTES_MAX, &answer));
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
