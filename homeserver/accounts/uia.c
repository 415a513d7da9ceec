/*
 * The course of a user-interactive authentication: which session, which stage, what is left.
 *
 * A request without `auth` is always answered 401, even where a dummy stage is enough: the spec's
 * note says so, because a page of another origin could otherwise trigger the operation. A client
 * that knows its way may send the first stage without a session.
 */
#include "homeserver/accounts/uia.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/accounts/password_hash.h"
#include "homeserver/accounts/requester.h"
#include "homeserver/accounts/uia_stages.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/call.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/uia_sessions.h"

enum {
    SESSION_LIFETIME_MS = 30 * 60 * 1000,
    SESSION_ID_CHARS = 24,
    SESSION_BODY_BYTES_MAX = 65536,
    SESSIONS_PER_USER_MAX = 20,
    SESSIONS_ANONYMOUS_MAX = 10000,
    COMPLETED_MAX = UIA_FLOWS_MAX * UIA_STAGES_MAX,
};

/* One authentication, while one request works on it. */
struct progress {
    const struct uia_operation *operation;
    struct uia_session session;
    bool is_stored;
    const char *completed[COMPLETED_MAX];
    json_t *proofs;
    /* Why the stage of this request failed; OK when it did not. */
    enum errcode failure;
};

static int64_t requester_nid(const struct uia_operation *operation)
{
    return operation->requester->user_id != NULL ? operation->requester->user_nid : 0;
}

static const char *requester_device(const struct uia_operation *operation)
{
    const struct requester *requester = operation->requester;

    return requester->user_id != NULL && requester->device_id != NULL ? requester->device_id : "";
}

static void finish_strbuf(struct strbuf *buf)
{
    strbuf_finish(buf);
}

/* The body that a session is bound to, without `auth` and without the secret. */
static enum errcode body_text(struct call *call, const struct uia_operation *operation,
                              const char **out)
{
    const char *const omitted[] = {"auth", operation->secret_member, NULL};
    SCOPED(finish_strbuf) struct strbuf text;
    enum errcode code;

    strbuf_init(&text, SESSION_BODY_BYTES_MAX);
    code = canonical_json_write_without(operation->body, omitted, CANONICAL_JSON_LEGACY, &text,
                                        call->error);
    if (code == M_TOO_LARGE)
        return fail(call->error, M_TOO_LARGE, "The request is too large.");
    TRY(code);
    *out = arena_strndup(call->arena, text.data, text.length);
    return OK;
}

static enum errcode new_progress(struct call *call, struct progress *progress)
{
    const struct uia_operation *operation = progress->operation;

    progress->session = (struct uia_session){
        .session_id = random_token(call->arena, SESSION_ID_CHARS),
        .user_nid = requester_nid(operation),
        .device_id = requester_device(operation),
        .method = operation->method,
        .path = operation->path,
        .completed = progress->completed,
        .expires_ts = clock_wall_ms() + SESSION_LIFETIME_MS,
    };
    progress->proofs = json_on_arena(call->arena, json_object());
    return body_text(call, operation, &progress->session.body);
}

static void take_loaded(struct progress *progress, const struct uia_session *session)
{
    progress->session = *session;
    progress->is_stored = true;
    for (size_t i = 0; i < session->completed_count && i < COMPLETED_MAX; i++)
        progress->completed[i] = session->completed[i];
    progress->session.completed = progress->completed;
}

static enum errcode check_binding(struct call *call, struct progress *progress)
{
    const struct uia_operation *operation = progress->operation;
    const struct uia_session *session = &progress->session;
    const char *body;

    if (session->user_nid != requester_nid(operation) ||
        strcmp(session->device_id, requester_device(operation)) != 0 ||
        strcmp(session->method, operation->method) != 0 ||
        strcmp(session->path, operation->path) != 0)
        return fail(call->error, M_FORBIDDEN,
                    "This authentication session was begun for something else.");
    TRY(body_text(call, operation, &body));
    if (strcmp(body, "{}") == 0 || strcmp(body, session->body) == 0)
        return OK;
    /* Clients may ask for the flows with an empty body and say later what they want. */
    if (session->completed_count > 0)
        return fail(call->error, M_FORBIDDEN,
                    "The request has changed since its authentication began.");
    progress->session.body = body;
    return OK;
}

static enum errcode load_session(struct call *call, const char *session_id,
                                 struct progress *progress)
{
    struct uia_session session;

    TRY(uia_session_load(call->db, call->arena, session_id, clock_wall_ms(), &session));
    take_loaded(progress, &session);
    return json_parse_object(call->arena, session.proofs, strlen(session.proofs), call->error,
                             &progress->proofs);
}

static enum errcode save(struct call *call, struct progress *progress)
{
    struct uia_session *session = &progress->session;
    char *proofs = json_dumps(progress->proofs, JSON_COMPACT);
    int64_t sessions_max = session->user_nid != 0 ? SESSIONS_PER_USER_MAX : SESSIONS_ANONYMOUS_MAX;
    enum errcode code;

    if (proofs == NULL)
        return E_SYSTEM;
    session->proofs = arena_strdup(call->arena, proofs);
    free(proofs);
    if (progress->is_stored)
        return uia_session_update(call->db, session);
    code = uia_session_insert(call->db, session, clock_wall_ms(), sessions_max);
    progress->is_stored = code == OK;
    return code;
}

static bool is_completed(const struct progress *progress, const char *stage)
{
    for (size_t i = 0; i < progress->session.completed_count; i++) {
        if (strcmp(progress->completed[i], stage) == 0)
            return true;
    }
    return false;
}

/* The first stage of the flow that is not done; NULL when the flow is complete. */
static const char *next_stage(const struct progress *progress, const struct uia_flow *flow)
{
    for (size_t i = 0; i < UIA_STAGES_MAX && flow->stages[i] != NULL; i++) {
        if (!is_completed(progress, flow->stages[i]))
            return flow->stages[i];
    }
    return NULL;
}

static bool is_next_in_some_flow(const struct progress *progress, const char *stage)
{
    for (size_t i = 0; i < progress->operation->flow_count; i++) {
        const char *next = next_stage(progress, &progress->operation->flows[i]);

        if (next != NULL && strcmp(next, stage) == 0)
            return true;
    }
    return false;
}

static bool some_flow_is_complete(const struct progress *progress)
{
    for (size_t i = 0; i < progress->operation->flow_count; i++) {
        if (next_stage(progress, &progress->operation->flows[i]) == NULL)
            return true;
    }
    return false;
}

/* Whoever is logged in proves to be that user. Who proves to be somebody else will not get further
 * by trying again, so this ends the request. */
static enum errcode check_is_same_user(struct call *call, const struct progress *progress)
{
    int64_t proven;

    if (progress->session.user_nid == 0 ||
        !json_get_int(progress->proofs, UIA_PROOF_USER_NID, &proven) ||
        proven == progress->session.user_nid)
        return OK;
    return fail(call->error, M_FORBIDDEN, "This proves that you are the user of another account.");
}

static enum errcode try_stage(struct call *call, struct progress *progress, const char *type,
                              const json_t *auth)
{
    const struct uia_stage *stage = uia_find_stage(type);
    const struct uia_attempt attempt = {
        .auth = auth,
        .path = progress->session.path,
        .server_name = progress->operation->server_name,
        .address = progress->operation->address,
        .proofs = progress->proofs,
    };
    enum errcode code;

    /* A completed stage is not tried again; the answer is what it would be without it. */
    if (is_completed(progress, type))
        return OK;
    if (stage == NULL || (!stage->is_never_offered && !is_next_in_some_flow(progress, type))) {
        progress->failure = fail(call->error, M_INVALID_PARAM,
                                 "This stage is not the next of any authentication flow.");
        return OK;
    }
    code = stage->attempt(call, &attempt);
    if (errcode_is_internal(code) || code == M_LIMIT_EXCEEDED)
        return code;
    if (code == OK)
        TRY(check_is_same_user(call, progress));
    if (code == OK)
        progress->completed[progress->session.completed_count++] = stage->type;
    progress->failure = code;
    return OK;
}

static void add_flows(json_t *challenge, const struct uia_operation *operation,
                      const struct config *config)
{
    json_t *flows = json_array(), *params = json_object();

    for (size_t i = 0; i < operation->flow_count; i++) {
        json_t *stages = json_array();

        for (size_t j = 0; j < UIA_STAGES_MAX && operation->flows[i].stages[j] != NULL; j++) {
            const struct uia_stage *stage = uia_find_stage(operation->flows[i].stages[j]);

            json_array_append_new(stages, json_string(operation->flows[i].stages[j]));
            if (stage != NULL && stage->params != NULL)
                json_object_set_new(params, stage->type, stage->params(config));
        }
        json_array_append_new(flows, json_pack("{s:o}", "stages", stages));
    }
    json_object_set_new(challenge, "flows", flows);
    json_object_set_new(challenge, "params", params);
}

static json_t *make_challenge(struct call *call, const struct progress *progress)
{
    json_t *challenge = json_on_arena(call->arena, json_object());
    json_t *completed = json_array();

    for (size_t i = 0; i < progress->session.completed_count; i++)
        json_array_append_new(completed, json_string(progress->completed[i]));
    json_object_set_new(challenge, "session", json_string(progress->session.session_id));
    json_object_set_new(challenge, "completed", completed);
    add_flows(challenge, progress->operation, config_current(call->services->config));
    if (progress->failure != OK) {
        const char *text = call->error->text[0] != '\0' ? call->error->text
                                                        : errcode_default_text(progress->failure);

        json_object_set_new(challenge, "errcode",
                            json_string(errcode_wire_name(progress->failure)));
        json_object_set_new(challenge, "error", json_string(text));
        error_clear(call->error); /* it has been told */
    }
    return challenge;
}

/* A secret travels as a hash from the first request that holds it. */
static enum errcode hash_secret(struct call *call, struct progress *progress)
{
    const struct uia_operation *operation = progress->operation;
    const char *secret, *hash;

    if (operation->secret_member == NULL ||
        json_object_get(operation->body, operation->secret_member) == NULL)
        return OK;
    TRY(json_require_string(operation->body, operation->secret_member, call->error, &secret));
    TRY(password_hash(call, secret, &hash));
    json_object_set_new(progress->proofs, UIA_PROOF_SECRET_HASH, json_string(hash));
    return OK;
}

static enum errcode find_progress(struct call *call, const json_t *auth, struct progress *progress)
{
    const char *session_id = json_get_string(auth, "session");
    enum errcode code;

    if (session_id == NULL)
        return new_progress(call, progress);
    code = load_session(call, session_id, progress);
    if (code == M_NOT_FOUND) {
        progress->failure =
            fail(call->error, M_UNKNOWN, "The authentication session has expired: begin again.");
        return new_progress(call, progress);
    }
    TRY(code);
    return check_binding(call, progress);
}

enum errcode uia_authorise(struct call *call, const struct uia_operation *operation,
                           struct uia_outcome *out)
{
    const json_t *auth = json_get_object(operation->body, "auth");
    const char *type = json_get_string(auth, "type");
    struct progress progress = {.operation = operation};

    TRY(find_progress(call, auth, &progress));
    if (type != NULL && progress.failure == OK)
        TRY(try_stage(call, &progress, type, auth));

    *out = (struct uia_outcome){0};
    if (progress.failure != OK || !some_flow_is_complete(&progress)) {
        if (json_object_get(progress.proofs, UIA_PROOF_SECRET_HASH) == NULL)
            TRY(hash_secret(call, &progress));
        TRY(save(call, &progress));
        out->challenge = make_challenge(call, &progress);
        return OK;
    }
    TRY(hash_secret(call, &progress));
    out->session_id = progress.is_stored ? progress.session.session_id : NULL;
    out->proofs = progress.proofs;
    return json_parse_object(call->arena, progress.session.body, strlen(progress.session.body),
                             call->error, &out->body);
}

enum errcode uia_finish(struct call *call, const struct uia_outcome *outcome)
{
    if (outcome->session_id == NULL)
        return OK;
    return uia_session_delete(call->db, outcome->session_id);
}

enum errcode uia_complete_on_page(struct call *call, const char *session_id, const char *address,
                                  const json_t *auth)
{
    const char *type = json_get_string(auth, "type");
    const struct uia_stage *stage = type != NULL ? uia_find_stage(type) : NULL;
    const struct uia_operation operation = {.address = address};
    struct progress progress = {.operation = &operation};

    if (stage == NULL)
        return fail(call->error, M_NOT_FOUND, "This stage has no page.");
    TRY(load_session(call, session_id, &progress));
    if (is_completed(&progress, type))
        return OK;
    const struct uia_attempt attempt = {
        .auth = auth,
        .path = progress.session.path,
        .server_name = config_current(call->services->config)->domains[0].name,
        .address = address,
        .proofs = progress.proofs,
    };
    TRY(stage->attempt(call, &attempt));
    TRY(check_is_same_user(call, &progress));
    if (progress.session.completed_count < COMPLETED_MAX)
        progress.completed[progress.session.completed_count++] = stage->type;
    return save(call, &progress);
}

enum errcode uia_request_email(struct call *call, const char *session_id,
                               const struct email_request *request, const char **sid_out)
{
    const struct uia_operation operation = {0};
    struct progress progress = {.operation = &operation};
    struct email_request meant = *request;

    TRY(load_session(call, session_id, &progress));
    meant.purpose = uia_email_purpose(progress.session.path);
    return email_request_validation(call, &meant, sid_out);
}
