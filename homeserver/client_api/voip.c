/*
 * Credentials for the TURN server: a name that holds when it ends, signed with a secret that the
 * TURN server shares.
 * Spec: client-server API, "Voice over IP" (voip.yaml); draft-uberti-behave-turn-rest.
 */
#include <inttypes.h>
#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/base64.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/hmac_sha1.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/services.h"

/* TURN servers compare with padded base64; 20 bytes take exactly one `=`. */
static const char *make_password(struct arena *arena, const char *secret, const char *username)
{
    uint8_t mac[HMAC_SHA1_BYTES];

    hmac_sha1(secret, strlen(secret), username, strlen(username), mac);
    return arena_printf(arena, "%s=", base64_encode(arena, mac, sizeof(mac), BASE64_STANDARD));
}

/* GET /_matrix/client/v3/voip/turnServer */
enum errcode client_get_turn_server(struct request *req)
{
    const struct config_turn *turn = &config_current(req->call.services->config)->turn;
    const char *username;

    /* Spec: an empty object when there is no TURN server. */
    if (turn->uri_count == 0 || turn->shared_secret == NULL)
        return respond_empty(req);
    username = arena_printf(req->call.arena, "%" PRId64 ":%s",
                            clock_wall_ms() / 1000 + turn->ttl_seconds, req->requester.user_id);
    json_t *uris = json_array();
    for (size_t i = 0; i < turn->uri_count; i++)
        json_array_append_new(uris, json_string(turn->uris[i]));
    return respond(req, 200,
                   json_pack("{ss, ss, so, sI}", "username", username, "password",
                             make_password(req->call.arena, turn->shared_secret, username), "uris",
                             uris, "ttl", (json_int_t)turn->ttl_seconds));
}
