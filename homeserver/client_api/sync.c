/*
 * Receiving what happens.
 * Spec: client-server API, "Syncing" (sync.yaml).
 */
#include "homeserver/sync/sync.h"

#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/syncing.h"
#include "homeserver/http/request.h"
#include "homeserver/services.h"
#include "homeserver/sync/known_filters.h"
#include "homeserver/sync/notifier.h"
#include "storage/journal.h"

static enum errcode read_state_form(struct request *req, enum state_form *out)
{
    bool stable, unstable;

    TRY(query_bool(req, "use_state_after", false, &stable));
    TRY(query_bool(req, "org.matrix.msc4222.use_state_after", false, &unstable));
    *out = stable ? STATE_AFTER : unstable ? STATE_AFTER_UNSTABLE : STATE_AT_START;
    return OK;
}

static enum errcode answer_or_wait(struct request *req, struct sync_request *request,
                                   int64_t timeout_ms)
{
    struct sync_result result;
    struct strbuf body;

    request->only_news = request->since != NULL && timeout_ms > 0 && !request->full_state &&
                         !req_woken_by_deadline(req);
    strbuf_init(&body, 0);
    enum errcode built = sync_build(&req->call, request, &body, &result);
    if (built == OK && body.overflowed)
        built = fail(req->call.error, M_TOO_LARGE,
                     "The answer would be too large; use a filter with lazily loaded members.");
    if (built != OK || (result.is_empty && request->only_news)) {
        strbuf_finish(&body);
        TRY(built);
        return req_park(req, notifier_wake_source(req->call.services->notifier),
                        req->requester.user_nid, result.sequence, req_started_ms(req) + timeout_ms);
    }
    size_t size;
    char *bytes = strbuf_detach(&body, &size);
    return respond_bytes(req, 200, "application/json", bytes, size);
}

/* GET /_matrix/client/v3/sync */
enum errcode client_sync(struct request *req)
{
    const char *since = query_string(req, "since");
    struct sync_request request = {.requester = &req->requester};
    struct sync_token token;
    int64_t timeout_ms;

    TRY(query_int(req, "timeout", 0, 0, SYNC_TIMEOUT_MS_MAX, &timeout_ms));
    TRY(query_bool(req, "full_state", false, &request.full_state));
    TRY(read_state_form(req, &request.state_form));
    TRY(known_filter_find(&req->call, req->requester.user_nid, query_string(req, "filter"),
                          &request.filter));
    TRY(note_syncing(req, query_string(req, "set_presence"), timeout_ms));
    if (since != NULL && *since != '\0') {
        TRY(sync_token_parse(since, journal_position(req->call.services->journal), req->call.error,
                             &token));
        request.since = &token;
    }
    return answer_or_wait(req, &request, timeout_ms);
}
