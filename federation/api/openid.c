/* Spec: server-server API, "OpenID" (openid.yaml). */
#include <string.h>

#include "federation/api/federation_api.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/sha256.h"
#include "homeserver/http/request.h"
#include "storage/openid_tokens.h"

/* GET /_matrix/federation/v1/openid/userinfo */
enum errcode federation_exchange_open_id_token(struct request *req)
{
    const char *token = query_string(req, "access_token"), *user_id;
    uint8_t hash[SHA256_BYTES];

    if (token == NULL)
        return fail(&req->error, M_UNKNOWN_TOKEN, "access_token is required.");
    sha256(token, strlen(token), hash);
    enum errcode found =
        openid_token_find(req->call.db, req->call.arena, hash, clock_wall_ms(), &user_id);
    if (found == M_NOT_FOUND)
        return fail(&req->error, M_UNKNOWN_TOKEN, "The token is unknown or has expired.");
    TRY(found);
    return respond(req, 200, json_pack("{ss}", "sub", user_id));
}
