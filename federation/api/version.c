/* Spec: server-server API, "Server implementation" (version.yaml). */
#include "federation/api/federation_api.h"
#include "homeserver/http/request.h"

/* GET /_matrix/federation/v1/version */
enum errcode federation_get_version(struct request *req)
{
    return respond(
        req, 200, json_pack("{s{ss,ss}}", "server", "name", "Beffroi", "version", BEFFROI_VERSION));
}
