/* Spec: client-server API, "OpenID" (openid.yaml). */
#include <string.h>

#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"
#include "homeserver/base/sha256.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "storage/openid_tokens.h"

enum { OPENID_TOKEN_CHARS = 43, OPENID_TOKEN_LIFETIME_S = 3600 };

/* POST /_matrix/client/v3/user/{userId}/openid/request_token */
enum errcode client_request_open_id_token(struct request *req)
{
    const char *token = random_token(req->call.arena, OPENID_TOKEN_CHARS);
    int64_t now_ms = clock_wall_ms();
    uint8_t hash[SHA256_BYTES];
    const char *user_id;

    TRY(path_user_id(req, "userId", &user_id));
    if (strcmp(user_id, req->requester.user_id) != 0)
        return fail(&req->error, M_FORBIDDEN, "You can only prove who you are yourself.");

    sha256(token, strlen(token), hash);
    TRY(openid_token_insert(req->call.db, hash, req->requester.user_nid, now_ms,
                            now_ms + OPENID_TOKEN_LIFETIME_S * INT64_C(1000)));
    response_header(req, "Cache-Control", "no-store");
    return respond(req, 200,
                   json_pack("{s:s, s:s, s:s, s:i}", "access_token", token, "token_type", "Bearer",
                             "matrix_server_name", req->requester.server_name, "expires_in",
                             OPENID_TOKEN_LIFETIME_S));
}
