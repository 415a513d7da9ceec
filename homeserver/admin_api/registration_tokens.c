/* Making, changing and deleting registration tokens. */
#include "storage/registration_tokens.h"

#include <string.h>

#include "homeserver/admin_api/admin_api.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"
#include "homeserver/http/request.h"

enum { TOKEN_CHARS_MAX = 64, TOKEN_CHARS_DEFAULT = 16, UNLIMITED = -1 };

static json_t *token_json(const struct registration_token *token)
{
    json_t *json =
        json_pack("{s:s, s:I, s:i, s:n, s:n}", "token", token->token, "completed",
                  (json_int_t)token->uses_completed, "pending", 0, "uses_allowed", "expiry_time");

    if (token->uses_allowed != UNLIMITED)
        json_object_set_new(json, "uses_allowed", json_integer(token->uses_allowed));
    if (token->expires_ts != 0)
        json_object_set_new(json, "expiry_time", json_integer(token->expires_ts));
    return json;
}

/* 1 to 64 of A-Z a-z 0-9 . _ ~ - */
static bool token_is_valid(const char *token)
{
    size_t length = strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._~-");

    return length > 0 && length <= TOKEN_CHARS_MAX && token[length] == '\0';
}

/* Absent: `*value` stays. null: no limit. */
static enum errcode read_limit(struct request *req, const char *name, int64_t null_value,
                               int64_t *value)
{
    const json_t *member = json_object_get(request_body(req), name);

    if (member == NULL)
        return OK;
    if (json_is_null(member)) {
        *value = null_value;
        return OK;
    }
    if (!json_is_integer(member) || json_integer_value(member) < 0)
        return fail(&req->error, M_INVALID_PARAM, "\"%s\" must be a whole number, or null.", name);
    *value = json_integer_value(member);
    return OK;
}

static enum errcode read_limits(struct request *req, struct registration_token *token)
{
    TRY(read_limit(req, "uses_allowed", UNLIMITED, &token->uses_allowed));
    TRY(read_limit(req, "expiry_time", 0, &token->expires_ts));
    if (token->expires_ts != 0 && token->expires_ts <= clock_wall_ms())
        return fail(&req->error, M_INVALID_PARAM, "\"expiry_time\" is in the past.");
    return OK;
}

static enum errcode load(struct request *req, struct registration_token *out)
{
    const char *token;
    enum errcode code;

    TRY(path_string(req, "token", &token));
    code = registration_token_load(req->call.db, req->call.arena, token, out);
    if (code == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "There is no such registration token.");
    return code;
}

/* GET /_synapse/admin/v1/registration_tokens */
enum errcode admin_list_registration_tokens(struct request *req)
{
    const struct registration_token *tokens;
    json_t *list;
    size_t count;

    TRY(registration_tokens_load(req->call.db, req->call.arena, &tokens, &count));
    list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, token_json(&tokens[i]));
    return respond(req, 200, json_pack("{s:o}", "registration_tokens", list));
}

/* POST /_synapse/admin/v1/registration_tokens/new */
enum errcode admin_create_registration_token(struct request *req)
{
    struct registration_token token = {.uses_allowed = UNLIMITED};
    int64_t length;
    enum errcode code;

    TRY(body_string_optional(req, "token", &token.token));
    TRY(body_int_optional(req, "length", TOKEN_CHARS_DEFAULT, &length));
    if (length < 1 || length > TOKEN_CHARS_MAX)
        return fail(&req->error, M_INVALID_PARAM, "\"length\" must be 1 to %d.", TOKEN_CHARS_MAX);
    if (token.token == NULL)
        token.token = random_token(req->call.arena, (size_t)length);
    if (!token_is_valid(token.token))
        return fail(&req->error, M_INVALID_PARAM,
                    "A registration token has 1 to %d of A-Z a-z 0-9 . _ ~ -", TOKEN_CHARS_MAX);
    TRY(read_limits(req, &token));
    code = registration_token_insert(req->call.db, &token, clock_wall_ms());
    if (code == M_INVALID_PARAM)
        return fail(&req->error, M_INVALID_PARAM, "There is a registration token like this.");
    TRY(code);
    return respond(req, 200, token_json(&token));
}

/* GET /_synapse/admin/v1/registration_tokens/{token} */
enum errcode admin_get_registration_token(struct request *req)
{
    struct registration_token token;

    TRY(load(req, &token));
    return respond(req, 200, token_json(&token));
}

/* PUT /_synapse/admin/v1/registration_tokens/{token} */
enum errcode admin_update_registration_token(struct request *req)
{
    struct registration_token token;

    TRY(load(req, &token));
    TRY(read_limits(req, &token));
    TRY(registration_token_update(req->call.db, &token));
    TRY(load(req, &token));
    return respond(req, 200, token_json(&token));
}

/* DELETE /_synapse/admin/v1/registration_tokens/{token} */
enum errcode admin_delete_registration_token(struct request *req)
{
    struct registration_token token;

    TRY(load(req, &token));
    TRY(registration_token_delete(req->call.db, token.token));
    return respond_empty(req);
}
