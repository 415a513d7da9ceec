/*
 * Simplified sliding sync. Spec: MSC4186; the names of the unstable API that clients use, where the
 * parameters of the proposal's body are in the query.
 */
#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/syncing.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "homeserver/sync/notifier.h"
#include "homeserver/sync/sliding.h"

/* `timeout` of the query or of the body. */
static enum errcode read_timeout(struct request *req, int64_t *out)
{
    int64_t in_body;

    TRY(body_int_optional(req, "timeout", 0, &in_body));
    if (in_body < 0 || in_body > SYNC_TIMEOUT_MS_MAX)
        in_body = in_body < 0 ? 0 : SYNC_TIMEOUT_MS_MAX;
    return query_int(req, "timeout", in_body, 0, SYNC_TIMEOUT_MS_MAX, out);
}

static enum errcode read_text(struct request *req, const char *name, const char **out)
{
    TRY(body_string_optional(req, name, out));
    if (query_string(req, name) != NULL)
        *out = query_string(req, name);
    return OK;
}

static enum errcode answer_or_wait(struct request *req, const struct sliding_question *question,
                                   int64_t timeout_ms)
{
    struct sliding_result result = {0};
    struct strbuf body;

    strbuf_init(&body, 0);
    enum errcode built = sliding_build(&req->call, question, &body, &result);
    if (built == OK && body.overflowed)
        built = fail(req->call.error, M_TOO_LARGE,
                     "The answer would be too large; ask for fewer rooms or less state.");
    if (built != OK || result.waits) {
        strbuf_finish(&body);
        TRY(built);
        return req_park(req, notifier_wake_source(req->call.services->notifier),
                        req->requester.user_nid, result.sequence, req_started_ms(req) + timeout_ms);
    }
    size_t size;
    char *bytes = strbuf_detach(&body, &size);
    return respond_bytes(req, 200, "application/json", bytes, size);
}

/* POST /_matrix/client/unstable/org.matrix.simplified_msc3575/sync */
enum errcode client_sliding_sync(struct request *req)
{
    struct sliding_question question = {.requester = &req->requester};
    struct sliding_request parsed;
    const char *set_presence;
    int64_t timeout_ms;

    TRY(read_timeout(req, &timeout_ms));
    TRY(read_text(req, "pos", &question.pos));
    TRY(read_text(req, "set_presence", &set_presence));
    TRY(sliding_request_parse(req->call.arena, request_body(req), req->call.error, &parsed));
    TRY(note_syncing(req, set_presence, timeout_ms));
    question.request = &parsed;
    question.may_wait = timeout_ms > 0 && !req_woken_by_deadline(req);
    if (question.pos != NULL && *question.pos == '\0')
        question.pos = NULL;
    return answer_or_wait(req, &question, timeout_ms);
}
