/* Spec: client-server API, "Well-known URIs" (wellknown.yaml). */
#include "config/config.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/request_domain.h"
#include "homeserver/http/request.h"

/* GET /.well-known/matrix/client */
enum errcode client_get_wellknown(struct request *req)
{
    return respond(req, 200,
                   json_pack("{s:{s:s}}", "m.homeserver", "base_url",
                             request_client_base_url(req, request_domain(req))));
}
