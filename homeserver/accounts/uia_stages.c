/*
 * The stages of user-interactive authentication, as a table.
 * Spec: client-server API, "Authentication types".
 */
#include "homeserver/accounts/uia_stages.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/accounts/login_identifier.h"
#include "homeserver/accounts/login_password.h"
#include "homeserver/accounts/uia.h"
#include "homeserver/base/clock.h"
#include "homeserver/call.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/accounts.h"
#include "storage/registration_tokens.h"

static enum errcode attempt_dummy(struct call *call UNUSED,
                                  const struct uia_attempt *attempt UNUSED)
{
    return OK;
}

/* Whoever is logged in proves to be that user; for others this says who they are. */
static enum errcode attempt_password(struct call *call, const struct uia_attempt *attempt)
{
    const struct account *account;
    const char *user_id, *password;

    TRY(login_identifier_resolve(call, attempt->server_name, attempt->auth, &user_id));
    TRY(json_require_string(attempt->auth, "password", call->error, &password));
    TRY(login_check_password(call, user_id, password, attempt->address, &account));
    if (attempt->user_nid != 0 && account->user_nid != attempt->user_nid)
        return fail(call->error, M_FORBIDDEN, "This is the password of another account.");
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
    {"m.login.dummy", attempt_dummy, NULL},
    {"m.login.password", attempt_password, NULL},
    {"m.login.registration_token", attempt_registration_token, NULL},
    {"m.login.terms", attempt_terms, terms_params},
};

const struct uia_stage *uia_find_stage(const char *type)
{
    for (size_t i = 0; i < COUNT_OF(stages); i++) {
        if (strcmp(stages[i].type, type) == 0)
            return &stages[i];
    }
    return NULL;
}
