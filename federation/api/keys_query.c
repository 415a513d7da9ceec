/*
 * Being a notary: for our own domains, and for the servers whose keys we have because we talk to
 * them. Spec: server-server API, "Querying Keys Through Another Server" (keys_query.yaml).
 */
#include "config/config.h"
#include "federation/api/federation_api.h"
#include "federation/api/request_domain.h"
#include "federation/client/federation_client.h"
#include "federation/receiver/key_ring.h"
#include "homeserver/base/clock.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/server_keys.h"
#include "homeserver/protocol/server_name.h"
#include "homeserver/protocol/signing_json.h"
#include "homeserver/rooms/room_service.h"
#include "homeserver/services.h"

enum { SERVERS_MAX = 100 };

static const int64_t VALIDITY_MS = INT64_C(24) * 60 * 60 * 1000;

static void add_own_keys(struct request *req, const char *server_name,
                         const struct signing_key *key, json_t *answer)
{
    const struct own_server_keys own = {
        .server_name = server_name,
        .valid_until_ts = clock_wall_ms() + VALIDITY_MS,
        .current = key,
        .current_count = 1,
    };

    json_array_append(answer, server_keys_build(req->call.arena, &own));
}

/* Adds the server's document with our signature beside its own; nothing when there is none. */
static enum errcode add_keys(struct request *req, const char *server_name, int64_t until_ms,
                             json_t *answer)
{
    const struct room_service *rooms = req->call.services->rooms;
    const struct signing_key *key = room_service_signing_key(rooms, server_name);
    const char *domain = federation_request_domain(req)->name;
    json_t *document;

    if (key != NULL) {
        add_own_keys(req, server_name, key, answer);
        return OK;
    }
    if (!server_name_is_valid(server_name) ||
        !federation_allows(config_current(req->call.services->config), server_name, NULL))
        return OK;
    TRY(key_ring_document(&req->call, server_name, until_ms, &document));
    if (document == NULL)
        return OK;
    TRY(signing_json_sign(document, domain, room_service_signing_key(rooms, domain)));
    json_array_append(answer, document);
    return OK;
}

/* GET /_matrix/key/v2/query/{serverName} */
enum errcode federation_perspectives_key_query(struct request *req)
{
    json_t *answer = json_on_arena(req->call.arena, json_array());
    const char *server_name;
    int64_t until_ms;

    TRY(path_string(req, "serverName", &server_name));
    TRY(query_int(req, "minimum_valid_until_ts", clock_wall_ms(), 0, INT64_MAX, &until_ms));
    TRY(add_keys(req, server_name, until_ms, answer));
    return respond(req, 200, json_pack("{sO}", "server_keys", answer));
}

/* How long the keys should hold at least; now, unless one is asked for with another time. */
static int64_t latest_wish(json_t *keys)
{
    int64_t latest = 0, until_ms;
    const char *key_id;
    json_t *criteria;

    json_object_foreach (keys, key_id, criteria) {
        if (json_get_int(criteria, "minimum_valid_until_ts", &until_ms) && until_ms > latest)
            latest = until_ms;
    }
    return latest > 0 ? latest : clock_wall_ms();
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
        TRY(add_keys(req, server_name, latest_wish(keys), answer));
    return respond(req, 200, json_pack("{sO}", "server_keys", answer));
}
