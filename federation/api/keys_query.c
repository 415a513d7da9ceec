/*
 * Being a notary: we are one for our own domains only, as nobody configured us to vouch for others.
 * Spec: server-server API, "Querying Keys Through Another Server" (keys_query.yaml).
 */
#include "config/config.h"
#include "federation/api/federation_api.h"
#include "homeserver/base/clock.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/server_keys.h"
#include "homeserver/rooms/room_service.h"
#include "homeserver/services.h"

enum { SERVERS_MAX = 100 };

static const int64_t VALIDITY_MS = INT64_C(24) * 60 * 60 * 1000;

static void add_own_keys(struct request *req, const char *server_name, json_t *answer)
{
    const struct signing_key *key =
        room_service_signing_key(req->call.services->rooms, server_name);

    if (key == NULL)
        return;
    const struct own_server_keys own = {
        .server_name = server_name,
        .valid_until_ts = clock_wall_ms() + VALIDITY_MS,
        .current = key,
        .current_count = 1,
    };
    json_array_append(answer, server_keys_build(req->call.arena, &own));
}

/* GET /_matrix/key/v2/query/{serverName} */
enum errcode federation_perspectives_key_query(struct request *req)
{
    json_t *answer = json_array();
    const char *server_name;

    TRY(path_string(req, "serverName", &server_name));
    add_own_keys(req, server_name, answer);
    return respond(req, 200, json_pack("{so}", "server_keys", answer));
}

/* POST /_matrix/key/v2/query */
enum errcode federation_bulk_perspectives_key_query(struct request *req)
{
    json_t *wanted, *keys, *answer = json_on_arena(req->call.arena, json_array());
    const char *server_name;

    TRY(body_object(req, "server_keys", &wanted));
    if (json_object_size(wanted) > SERVERS_MAX)
        return fail(&req->error, M_TOO_LARGE, "Too many servers in one request.");
    json_object_foreach (wanted, server_name, keys)
        add_own_keys(req, server_name, answer);
    return respond(req, 200, json_pack("{sO}", "server_keys", answer));
}
