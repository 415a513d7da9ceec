/*
 * A session lets another client in.
 * Spec: client-server API, "Token-based" login (login_token.yaml).
 */
#include <string.h>

#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"
#include "homeserver/base/sha256.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/client_uia.h"
#include "homeserver/http/request.h"
#include "storage/login_tokens.h"

enum { LOGIN_TOKEN_CHARS = 43, LOGIN_TOKEN_LIFETIME_MS = 120 * 1000 };

/* POST /_matrix/client/v1/login/get_token */
enum errcode client_generate_login_token(struct request *req)
{
    const char *token = random_token(req->call.arena, LOGIN_TOKEN_CHARS);
    int64_t now_ms = clock_wall_ms();
    uint8_t hash[SHA256_BYTES];
    struct uia_outcome uia;

    TRY(client_uia_authorise(req, &client_uia_password, &uia));
    if (uia.challenge != NULL)
        return client_uia_challenge(req, &uia);

    sha256(token, strlen(token), hash);
    TRY(login_token_insert(req->call.db, hash, req->requester.user_nid, now_ms,
                           now_ms + LOGIN_TOKEN_LIFETIME_MS));
    TRY(uia_finish(&req->call, &uia));
    response_header(req, "Cache-Control", "no-store");
    return respond(
        req, 200,
        json_pack("{s:s, s:i}", "login_token", token, "expires_in_ms", LOGIN_TOKEN_LIFETIME_MS));
}
