/* Spec: client-server API, "Token-authenticated registration" (registration_tokens.yaml). */
#include "storage/registration_tokens.h"

#include "config/config.h"
#include "homeserver/base/clock.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/services.h"

/* GET /_matrix/client/v1/register/m.login.registration_token/validity */
enum errcode client_registration_token_validity(struct request *req)
{
    const char *token = query_string(req, "token");
    bool is_valid;

    if (config_current(req->call.services->config)->registration.mode != REGISTRATION_TOKEN)
        return fail(&req->error, M_FORBIDDEN, "Nobody registers with a token here.");
    if (token == NULL)
        return fail(&req->error, M_MISSING_PARAM, "The token is missing.");
    TRY(registration_token_is_valid(req->call.db, req->call.arena, token, clock_wall_ms(),
                                    &is_valid));
    return respond(req, 200, json_pack("{s:b}", "valid", is_valid));
}
