/* Spec: server-server API, "Server Discovery" (wellknown.yaml). */
#include "config/config.h"
#include "federation/api/federation_api.h"
#include "federation/api/request_domain.h"
#include "homeserver/http/request.h"

/* GET /.well-known/matrix/server */
enum errcode federation_get_well_known(struct request *req)
{
    const struct config_domain *domain = federation_request_domain(req);

    if (domain->federation_address == NULL)
        return fail(&req->error, M_NOT_FOUND, "This server is reached at its own name.");
    return respond(req, 200, json_pack("{ss}", "m.server", domain->federation_address));
}
