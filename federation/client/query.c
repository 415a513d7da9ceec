/* Asking other servers for aliases and profiles. */
#include "federation/client/query.h"

#include "federation/client/signed_request.h"
#include "homeserver/base/array.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/server_name.h"

enum { TIMEOUT_MS = 10 * 1000, ANSWER_BYTES_MAX = 256 * 1024, SERVERS_MAX = 100 };

static enum errcode ask(struct call *call, const char *origin, const char *destination,
                        const char *target, json_t **out)
{
    const struct federation_request request = {
        .method = "GET",
        .origin = origin,
        .destination = destination,
        .target = target,
        .timeout_ms = TIMEOUT_MS,
        .answer_limit_bytes = ANSWER_BYTES_MAX,
    };

    return federation_fetch(call, &request, out);
}

enum errcode federation_ask_directory(struct call *call, const char *origin, const char *room_alias,
                                      struct directory_answer *out)
{
    const char *target = federation_target(
        call->arena, "/_matrix/federation/v1/query/directory?room_alias=%s", room_alias);
    ARRAY_OF(const char *) servers = {0};
    json_t *answer, *server;
    size_t i;

    TRY(ask(call, origin, identifier_domain(room_alias), target, &answer));
    out->room_id = json_get_string(answer, "room_id");
    if (!room_id_is_valid(out->room_id))
        return fail(call->error, E_REMOTE, "%s answered without a room ID",
                    identifier_domain(room_alias));
    json_array_foreach (json_get_array(answer, "servers"), i, server) {
        if (servers.count < SERVERS_MAX && server_name_is_valid(json_text(server)))
            array_push(call->arena, &servers, json_text(server));
    }
    out->servers = servers.items;
    out->server_count = servers.count;
    return OK;
}

enum errcode federation_ask_profile(struct call *call, const char *origin, const char *user_id,
                                    json_t **out)
{
    const char *target =
        federation_target(call->arena, "/_matrix/federation/v1/query/profile?user_id=%s", user_id);

    return ask(call, origin, identifier_domain(user_id), target, out);
}
