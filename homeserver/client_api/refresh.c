/* Spec: client-server API, "Refreshing access tokens" (refresh.yaml). */
#include "homeserver/accounts/sessions.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"

/* POST /_matrix/client/v3/refresh */
enum errcode client_refresh(struct request *req)
{
    const char *refresh_token;
    struct session session;

    TRY(body_string(req, "refresh_token", &refresh_token));
    TRY(session_refresh(&req->call, refresh_token, &session));
    response_header(req, "Cache-Control", "no-store");
    return respond(req, 200,
                   json_pack("{s:s, s:s, s:I}", "access_token", session.access_token,
                             "refresh_token", session.refresh_token, "expires_in_ms",
                             (json_int_t)session.expires_in_ms));
}
