/*
 * The stages of user-interactive authentication, as a table.
 * Spec: client-server API, "Authentication types".
 */
#include "homeserver/accounts/uia_stages.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/accounts/login_identifier.h"
#include "homeserver/accounts/login_password.h"
#include "homeserver/accounts/threepids.h"
#include "homeserver/accounts/uia.h"
#include "homeserver/base/clock.h"
#include "homeserver/call.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/accounts.h"
#include "storage/registration_tokens.h"
#include "storage/threepids.h"

static enum errcode attempt_dummy(struct call *call UNUSED,
                                  const struct uia_attempt *attempt UNUSED)
{
    return OK;
}

static enum errcode attempt_password(struct call *call, const struct uia_attempt *attempt)
{
    const struct account *account;
    const char *user_id, *password;

    TRY(login_identifier_resolve(call, attempt->server_name, attempt->auth, &user_id));
    TRY(json_require_string(attempt->auth, "password", call->error, &password));
    TRY(login_check_password(call, user_id, password, attempt->address, &account));
    json_object_set_new(attempt->proofs, UIA_PROOF_USER_NID, json_integer(account->user_nid));
    return OK;
}

/* Only looks: the use is counted when the account is made. */
static enum errcode attempt_registration_token(struct call *call, const struct uia_attempt *attempt)
{
    const char *token;
    bool is_valid;

    TRY(json_require_string(attempt->auth, "token", call->error, &token));
    TRY(registration_token_is_valid(call->db, call->arena, token, clock_wall_ms(), &is_valid));
    if (!is_valid)
        return fail(call->error, M_UNAUTHORIZED,
                    "This registration token is not valid, or it has been used up.");
    json_object_set_new(attempt->proofs, UIA_PROOF_REGISTRATION_TOKEN, json_string(token));
    return OK;
}

static enum errcode attempt_terms(struct call *call, const struct uia_attempt *attempt)
{
    const char *version = config_current(call->services->config)->registration.terms_version;

    json_object_set_new(attempt->proofs, UIA_PROOF_TERMS_VERSION,
                        json_string(version != NULL ? version : ""));
    return OK;
}

/* What a click in a mail proves depends on what it was asked for. */
enum email_purpose uia_email_purpose(const char *path)
{
    static const char end[] = "/account/password";
    size_t length = strlen(path);

    if (length >= strlen(end) && strcmp(path + length - strlen(end), end) == 0)
        return EMAIL_FOR_PASSWORD;
    return EMAIL_FOR_REGISTRATION;
}

/* Whose password is to be changed. */
static enum errcode find_owner(struct call *call, const struct uia_attempt *attempt,
                               const struct threepid *email)
{
    int64_t user_nid;
    enum errcode code =
        threepid_find_user(call->db, call->arena, email->medium, email->address, &user_nid);

    if (code == M_NOT_FOUND)
        return fail(call->error, M_THREEPID_NOT_FOUND, "No account has this e-mail address.");
    TRY(code);
    json_object_set_new(attempt->proofs, UIA_PROOF_USER_NID, json_integer(user_nid));
    return OK;
}

static enum errcode attempt_email(struct call *call, const struct uia_attempt *attempt)
{
    json_t *credentials = json_get_object(attempt->auth, "threepid_creds");
    const char *sid, *client_secret;
    struct threepid email;

    if (credentials == NULL) /* the name before r0.6, still sent */
        credentials = json_get_object(attempt->auth, "threepidCreds");
    TRY(json_require_string(credentials, "sid", call->error, &sid));
    TRY(json_require_string(credentials, "client_secret", call->error, &client_secret));
    if (uia_email_purpose(attempt->path) == EMAIL_FOR_PASSWORD) {
        TRY(email_take_proof(call, EMAIL_FOR_PASSWORD, sid, client_secret, &email));
        return find_owner(call, attempt, &email);
    }
    TRY(email_take_proof(call, EMAIL_FOR_REGISTRATION, sid, client_secret, &email));
    json_object_set_new(attempt->proofs, UIA_PROOF_EMAIL, json_string(email.address));
    json_object_set_new(attempt->proofs, UIA_PROOF_EMAIL_TS, json_integer(email.validated_ts));
    return OK;
}

static enum errcode refuse_phone(struct call *call, const struct uia_attempt *attempt UNUSED)
{
    return fail(call->error, M_THREEPID_MEDIUM_NOT_SUPPORTED,
                "This server does not validate phone numbers.");
}

static json_t *terms_params(const struct config *config)
{
    const struct config_registration *registration = &config->registration;

    return json_pack("{s:{s:{s:s, s:{s:s, s:s}, s:{s:s, s:s}}}}", "policies", "terms_of_service",
                     "version",
                     registration->terms_version != NULL ? registration->terms_version : "1", "en",
                     "name", "Terms of use", "url", registration->terms_url, "fr", "name",
                     "Conditions d’utilisation", "url", registration->terms_url);
}

static const struct uia_stage stages[] = {
    {"m.login.dummy", attempt_dummy, NULL, false},
    {"m.login.email.identity", attempt_email, NULL, false},
    {"m.login.msisdn", refuse_phone, NULL, true},
    {"m.login.password", attempt_password, NULL, false},
    {"m.login.registration_token", attempt_registration_token, NULL, false},
    {"m.login.terms", attempt_terms, terms_params, false},
};

const struct uia_stage *uia_find_stage(const char *type)
{
    for (size_t i = 0; i < COUNT_OF(stages); i++) {
        if (strcmp(stages[i].type, type) == 0)
            return &stages[i];
    }
    return NULL;
}
