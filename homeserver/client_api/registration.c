/*
 * Spec: client-server API, "Account registration" (registration.yaml).
 */
#include "homeserver/accounts/registration.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/accounts/mailer.h"
#include "homeserver/accounts/password_hash.h"
#include "homeserver/accounts/sessions.h"
#include "homeserver/appservice/appservices.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/client_uia.h"
#include "homeserver/client_api/request_domain.h"
#include "homeserver/client_api/session_answer.h"
#include "homeserver/client_api/threepid_request.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"

static const struct config_registration *settings(const struct request *req)
{
    return &config_current(req->call.services->config)->registration;
}

/* A name that a person may take. */
static enum errcode check_username(struct request *req, const char *username, const char **out)
{
    enum errcode code =
        registration_check_username(&req->call, request_domain(req)->name, username, out);

    if (code == OK || code == M_USER_IN_USE)
        TRY(appservices_check_user(appservices_current(req->call.services->appservices), *out, NULL,
                                   &req->error));
    return code;
}

/* GET /_matrix/client/v3/register/available */
enum errcode client_check_username_availability(struct request *req)
{
    const char *username = query_string(req, "username");
    const char *user_id;

    if (username == NULL)
        return fail(&req->error, M_MISSING_PARAM, "The user name is missing.");
    TRY(check_username(req, username, &user_id));
    return respond(req, 200, json_pack("{s:b}", "available", 1));
}

/* The stages that the configuration asks for. */
static struct uia_flow flow_of(const struct config_registration *registration, bool with_email,
                               bool is_choice)
{
    struct uia_flow flow = {0};
    size_t count = 0;

    if (registration->mode == REGISTRATION_TOKEN)
        flow.stages[count++] = "m.login.registration_token";
    if (with_email)
        flow.stages[count++] = "m.login.email.identity";
    if (registration->terms_url != NULL)
        flow.stages[count++] = "m.login.terms";
    /* Where an address is optional the dummy tells the two flows apart ("Dummy Auth"). After a
       token alone it is there for matrix-nio's register_with_token, which ends with it whatever the
       flows say. */
    if (count == 0 || is_choice || (count == 1 && registration->mode == REGISTRATION_TOKEN))
        flow.stages[count++] = "m.login.dummy";
    return flow;
}

/* With a mail server an address may always be given; how many flows there are. */
static size_t make_flows(const struct request *req, struct uia_flow *flows)
{
    const struct config_registration *registration = settings(req);
    bool is_choice = !registration->require_email && mailer_is_on(&req->call);
    size_t count = 0;

    if (!registration->require_email)
        flows[count++] = flow_of(registration, false, is_choice);
    if (registration->require_email || is_choice)
        flows[count++] = flow_of(registration, true, false);
    return count;
}

static enum errcode check_is_open(struct request *req)
{
    if (settings(req)->mode == REGISTRATION_CLOSED)
        return fail(&req->error, M_FORBIDDEN,
                    "Registration is closed: the administrators of this server make accounts.");
    return OK;
}

static enum errcode find_user_id(struct request *req, const char *username, const char **out)
{
    if (username == NULL)
        return registration_make_user_id(&req->call, request_domain(req)->name, out);
    return check_username(req, username, out);
}

/* What is wrong is said before anybody goes through the stages. */
static enum errcode check_wishes(struct request *req)
{
    const char *username, *password, *user_id;

    TRY(body_string_optional(req, "username", &username));
    TRY(body_string_optional(req, "password", &password));
    if (username != NULL)
        TRY(find_user_id(req, username, &user_id));
    if (password != NULL)
        TRY(password_check_new(&req->call, password));
    return OK;
}

static enum errcode log_in_and_answer(struct request *req, const char *user_id, int64_t user_nid,
                                      const json_t *body)
{
    const struct session_draft draft = {
        .user_nid = user_nid,
        .device_id = json_get_string(body, "device_id"),
        .display_name = json_get_string(body, "initial_device_display_name"),
        .wants_refresh_token = json_get_bool(body, "refresh_token", false),
    };
    struct session session;

    if (json_get_bool(body, "inhibit_login", false))
        return session_answer(req, user_id, NULL);
    TRY(session_start(&req->call, &draft, &session));
    return session_answer(req, user_id, &session);
}

static enum errcode create_account(struct request *req, const struct uia_outcome *uia)
{
    struct registration registration = {
        .password_hash = json_get_string(uia->proofs, UIA_PROOF_SECRET_HASH),
        .registration_token = json_get_string(uia->proofs, UIA_PROOF_REGISTRATION_TOKEN),
        .terms_version = json_get_string(uia->proofs, UIA_PROOF_TERMS_VERSION),
        .email = json_get_string(uia->proofs, UIA_PROOF_EMAIL),
    };
    int64_t user_nid;

    (void)json_get_int(uia->proofs, UIA_PROOF_EMAIL_TS, &registration.email_ts); /* absent: 0 */
    if (registration.password_hash == NULL)
        return fail(&req->error, M_MISSING_PARAM, "The password is missing.");
    TRY(find_user_id(req, json_get_string(uia->body, "username"), &registration.user_id));
    TRY(registration_create(&req->call, &registration, &user_nid));
    TRY(uia_finish(&req->call, uia));
    return log_in_and_answer(req, registration.user_id, user_nid, uia->body);
}

/* POST /_matrix/client/v3/register/email/requestToken */
enum errcode client_request_token_to_register_email(struct request *req)
{
    TRY(check_is_open(req));
    return respond_email_validation(req, EMAIL_FOR_REGISTRATION);
}

/* POST /_matrix/client/v3/register/msisdn/requestToken */
enum errcode client_request_token_to_register_msisdn(struct request *req)
{
    return refuse_phone_validation(req);
}

/* Of a guest's body only the name of the device counts. */
static enum errcode register_guest(struct request *req)
{
    struct registration registration = {.is_guest = true};
    struct session_draft draft = {0};
    struct session session;

    if (!settings(req)->guests)
        return fail(&req->error, M_FORBIDDEN, "This server takes no guests.");
    TRY(body_string_optional(req, "initial_device_display_name", &draft.display_name));
    TRY(find_user_id(req, NULL, &registration.user_id));
    TRY(registration_create(&req->call, &registration, &draft.user_nid));
    TRY(session_start(&req->call, &draft, &session));
    return session_answer(req, registration.user_id, &session);
}

/* Spec: application service API, "Server admin style permissions": its users need no stages. */
static enum errcode register_for_appservice(struct request *req)
{
    const struct appservice_set *set = appservices_current(req->call.services->appservices);
    const struct appservice *appservice = appservice_by_id(set, req->requester.appservice_id);
    struct registration registration = {.appservice_id = req->requester.appservice_id};
    const char *username;
    int64_t user_nid;

    TRY(body_string(req, "username", &username));
    TRY(registration_check_bridged_username(&req->call, req->requester.server_name, username,
                                            &registration.user_id));
    TRY(appservices_check_user(set, registration.user_id, registration.appservice_id, &req->error));
    if (appservice == NULL || !appservice_owns_user(appservice, registration.user_id))
        return fail(&req->error, M_EXCLUSIVE,
                    "The name is not one of those that this application service may make.");
    TRY(registration_create(&req->call, &registration, &user_nid));
    return log_in_and_answer(req, registration.user_id, user_nid, request_body(req));
}

/* POST /_matrix/client/v3/register */
enum errcode client_register(struct request *req)
{
    const char *kind = query_string(req, "kind");
    const char *type = json_get_string(request_body(req), "type");
    struct uia_flow flows[2];
    const struct client_uia authentication = {
        .flows = flows, .flow_count = make_flows(req, flows), .secret_member = "password"};
    struct uia_outcome uia;

    if (req->requester.appservice_id != NULL)
        return register_for_appservice(req);
    if (type != NULL && strcmp(type, "m.login.application_service") == 0)
        return fail(&req->error, M_UNKNOWN_TOKEN, "This needs an application service's token.");
    if (kind != NULL && strcmp(kind, "guest") == 0)
        return register_guest(req);
    if (kind != NULL && strcmp(kind, "user") != 0)
        return fail(&req->error, M_INVALID_PARAM, "\"kind\" must be user or guest.");
    TRY(check_is_open(req));
    TRY(check_wishes(req));
    TRY(client_uia_authorise(req, &authentication, &uia));
    if (uia.challenge != NULL)
        return client_uia_challenge(req, &uia);
    return create_account(req, &uia);
}
