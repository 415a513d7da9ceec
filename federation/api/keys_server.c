/* Spec: server-server API, "Publishing Keys" (keys_server.yaml). */
#include "config/config.h"
#include "federation/api/event_answer.h"
#include "federation/api/federation_api.h"
#include "federation/api/request_domain.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/server_keys.h"
#include "homeserver/rooms/room_service.h"
#include "homeserver/services.h"

/* Others ask again after half of it. */
static const int64_t VALIDITY_MS = INT64_C(24) * 60 * 60 * 1000;

/* GET /_matrix/key/v2/server
 * In the form that is signed: then cutting out the signatures is all that a simple reader must do.
 */
enum errcode federation_get_server_key(struct request *req)
{
    SCOPED(strbuf_finish) struct strbuf out;
    const struct config_domain *domain = federation_request_domain(req);
    const struct signing_key *key =
        room_service_signing_key(req->call.services->rooms, domain->name);

    strbuf_init(&out, 0);
    if (key == NULL)
        return fail(&req->error, M_NOT_FOUND, "This server is not hosted here.");
    const struct own_server_keys own = {
        .server_name = domain->name,
        .valid_until_ts = clock_wall_ms() + VALIDITY_MS,
        .current = key,
        .current_count = 1,
    };
    TRY(canonical_json_write(server_keys_build(req->call.arena, &own), CANONICAL_JSON_STRICT, &out,
                             &req->error));
    return respond_buffer(req, &out);
}
