/*
 * Logging in with the legacy API.
 * Spec: client-server API, "Login" (login.yaml).
 */
#include <string.h>

#include "config/config.h"
#include "homeserver/accounts/login_identifier.h"
#include "homeserver/accounts/login_password.h"
#include "homeserver/accounts/sessions.h"
#include "homeserver/appservice/appservices.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/sha256.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/request_domain.h"
#include "homeserver/client_api/session_answer.h"
#include "homeserver/http/request.h"
#include "homeserver/services.h"
#include "storage/accounts.h"
#include "storage/login_tokens.h"

/* GET /_matrix/client/v3/login */
enum errcode client_get_login_flows(struct request *req)
{
    return respond(req, 200,
                   json_pack("{s:[{s:s}, {s:s, s:b}, {s:s}]}", "flows", "type", "m.login.password",
                             "type", "m.login.token", "get_login_token", 1, "type",
                             "m.login.application_service"));
}

static enum errcode log_in_with_password(struct request *req, const struct account **out)
{
    const char *user_id, *password;

    TRY(login_identifier_resolve(&req->call, request_domain(req)->name, request_body(req),
                                 &user_id));
    TRY(body_string(req, "password", &password));
    return login_check_password(&req->call, user_id, password, req->client_address, out);
}

static enum errcode log_in_with_token(struct request *req, const struct account **out)
{
    const char *token;
    uint8_t hash[SHA256_BYTES];
    int64_t user_nid;
    enum errcode code;

    TRY(body_string(req, "token", &token));
    sha256(token, strlen(token), hash);
    code = login_token_take(req->call.db, req->call.arena, hash, clock_wall_ms(), &user_nid);
    if (code == M_NOT_FOUND)
        return fail(&req->error, M_FORBIDDEN, "This login token is not valid any more.");
    TRY(code);
    return account_load_by_nid(req->call.db, req->call.arena, user_nid, out);
}

/* Spec: application service API, "Using /login with an application service". */
static enum errcode log_in_by_appservice(struct request *req, const struct account **out)
{
    const struct appservice_set *set = appservices_current(req->call.services->appservices);
    const char *appservice_id = req->requester.appservice_id;
    const struct appservice *appservice =
        appservice_id != NULL ? appservice_by_id(set, appservice_id) : NULL;
    const char *user_id;
    enum errcode code;

    if (appservice == NULL)
        return fail(&req->error, M_UNKNOWN_TOKEN, "This needs an application service's token.");
    TRY(login_identifier_resolve(&req->call, req->requester.server_name, request_body(req),
                                 &user_id));
    if (user_id == NULL || !appservice_owns_user(appservice, user_id))
        return fail(&req->error, M_EXCLUSIVE,
                    "The user does not belong to this application service.");
    code = account_load(req->call.db, req->call.arena, user_id, out);
    if (code == M_NOT_FOUND)
        return fail(&req->error, M_FORBIDDEN, "The user is not registered.");
    return code;
}

static const struct {
    const char *type;
    enum errcode (*log_in)(struct request *req, const struct account **out);
} login_types[] = {
    {"m.login.password", log_in_with_password},
    {"m.login.token", log_in_with_token},
    {"m.login.application_service", log_in_by_appservice},
};

static enum errcode check_account(struct request *req, const struct account *account)
{
    if (account->deactivated_ts != 0)
        return M_USER_DEACTIVATED;
    if (account->is_locked) {
        error_set_bool(&req->error, "soft_logout", true);
        return M_USER_LOCKED;
    }
    return OK;
}

static enum errcode log_in(struct request *req, const char *type, const struct account **out)
{
    for (size_t i = 0; i < COUNT_OF(login_types); i++) {
        if (strcmp(login_types[i].type, type) == 0)
            return login_types[i].log_in(req, out);
    }
    return fail(&req->error, M_UNKNOWN, "This server does not know this type of login.");
}

/* POST /_matrix/client/v3/login */
enum errcode client_login(struct request *req)
{
    const struct account *account;
    struct session_draft draft = {0};
    struct session session;
    const char *type;

    TRY(body_string(req, "type", &type));
    TRY(session_draft_read(req, &draft));
    TRY(log_in(req, type, &account));
    TRY(check_account(req, account));
    draft.user_nid = account->user_nid;
    TRY(session_start(&req->call, &draft, &session));
    return session_answer(req, account->user_id, &session);
}
