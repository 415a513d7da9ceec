/* Spec: client-server API, "Policy Servers" (policy_server.yaml). */
#include "config/config.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/request_domain.h"
#include "homeserver/http/request.h"

/* GET /.well-known/matrix/policy_server */
enum errcode client_get_wellknown_policy(struct request *req)
{
    const char *key = request_domain(req)->policy_server_key;

    if (key == NULL)
        return fail(&req->error, M_NOT_FOUND, "There is no policy server of this name.");
    return respond(req, 200, json_pack("{s:{s:s}}", "public_keys", "ed25519", key));
}
