/* Spec: client-server API, "Server metadata discovery" (oauth_server_metadata.yaml). */
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"

/* GET /_matrix/client/v1/auth_metadata: this code is how clients learn that they log in with the
 * legacy API. */
enum errcode client_get_auth_metadata(struct request *req)
{
    return fail(&req->error, M_UNRECOGNIZED, "This server has the legacy authentication API.");
}
