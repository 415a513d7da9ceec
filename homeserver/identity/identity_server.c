/* Calls to identity servers. Spec: identity service API. */
#include "homeserver/identity/identity_server.h"

#include <string.h>

#include "config/config.h"
#include "federation/client/federation_client.h"
#include "federation/client/signed_request.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/base64.h"
#include "homeserver/base/map.h"
#include "homeserver/base/sha256.h"
#include "homeserver/net/http_client.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/request_auth.h"
#include "homeserver/protocol/signing_json.h"
#include "homeserver/services.h"

#define API "/_matrix/identity/v2"

enum {
    TIMEOUT_MS = 20 * 1000,
    ANSWER_BYTES_MAX = 1 << 20,
    TOKEN_BYTES_MAX = 255,
    ACCESS_TOKEN_BYTES_MAX = 4096,
    KEYS_ASKED_MAX = 8, /* on behalf of one request */
};

static bool is_trusted(const struct config *config, const char *name, size_t length)
{
    for (size_t i = 0; i < config->identity_server_count; i++) {
        if (strlen(config->identity_servers[i]) == length &&
            strncmp(config->identity_servers[i], name, length) == 0)
            return true;
    }
    return false;
}

enum errcode identity_server_check(struct call *call, const char *name)
{
    const struct config *config = config_current(call->services->config);

    if (config->identity_server_count == 0)
        return fail(call->error, M_SERVER_NOT_TRUSTED, "This server uses no identity server.");
    if (!is_trusted(config, name, strlen(name)))
        return fail(call->error, M_SERVER_NOT_TRUSTED, "This server does not trust %.200s.", name);
    return OK;
}

/* One request; `authorization` is the header's value, NULL for none. */
static enum errcode ask(struct call *call, const char *server_name, const char *path,
                        const char *authorization, const json_t *content, json_t **out)
{
    const char *headers[] = {"Content-Type: application/json", NULL, NULL};
    struct http_call request = {
        .method = content != NULL ? "POST" : "GET",
        .url = arena_printf(call->arena, "https://%s%s", server_name, path),
        .headers = headers,
        .timeout_ms = TIMEOUT_MS,
        .answer_limit_bytes = ANSWER_BYTES_MAX,
        .allow_private_addresses = true, /* the administrator named it */
    };
    struct http_answer answer;

    TRY(identity_server_check(call, server_name));
    if (authorization != NULL)
        headers[1] = arena_printf(call->arena, "Authorization: %s", authorization);
    if (content != NULL) {
        const char *body = json_compact(call->arena, content);

        if (body == NULL)
            return E_SYSTEM;
        request.body = body;
        request.body_size = strlen(body);
    }
    TRY(http_client_fetch(call->services->http, call->arena, &request, call->error, &answer));
    return federation_read_answer(call->arena, server_name, &answer, call->error, out);
}

/* A token goes into a header, so it must be one word of printable ASCII. */
static bool is_token(const char *text)
{
    size_t length = 0;

    while (text[length] > ' ' && text[length] < 0x7f)
        length++;
    return length > 0 && length <= ACCESS_TOKEN_BYTES_MAX && text[length] == '\0';
}

static enum errcode ask_as_user(struct call *call, const struct identity_server *server,
                                const char *path, const json_t *content, json_t **out)
{
    if (!is_token(server->access_token))
        return fail(call->error, M_INVALID_PARAM, "\"id_access_token\" is not valid.");
    return ask(call, server->name, path,
               arena_printf(call->arena, "Bearer %s", server->access_token), content, out);
}

enum errcode identity_server_bind(struct call *call, const struct identity_server *server,
                                  const char *user_id, const char *sid, const char *client_secret,
                                  json_t **out)
{
    const json_t *content =
        json_on_arena(call->arena, json_pack("{s:s, s:s, s:s}", "sid", sid, "client_secret",
                                             client_secret, "mxid", user_id));

    return ask_as_user(call, server, API "/3pid/bind", content, out);
}

enum errcode identity_server_unbind(struct call *call, const char *server_name, const char *user_id,
                                    const struct identity_address *address)
{
    const struct signed_request request = {
        .method = "POST",
        .uri = API "/3pid/unbind",
        .origin = identifier_domain(user_id),
        .destination = server_name,
        .content = json_on_arena(call->arena,
                                 json_pack("{s:s, s:{s:s, s:s}}", "mxid", user_id, "threepid",
                                           "medium", address->medium, "address", address->text)),
    };
    const char *authorization = request_auth_build(
        call->arena, &request, federation_client_key(call->services->federation, request.origin));
    json_t *answer;

    if (authorization == NULL)
        return E_SYSTEM;
    return ask(call, server_name, request.uri, authorization, request.content, &answer);
}

/* Spec: "Client behaviour" of associations: the hash of `address medium pepper`. */
static const char *hash_address(struct call *call, const struct identity_address *address,
                                const char *pepper)
{
    const char *text =
        arena_printf(call->arena, "%s %s %s", address->text, address->medium, pepper);
    uint8_t hash[SHA256_BYTES];

    sha256(text, strlen(text), hash);
    return base64_encode(call->arena, hash, sizeof hash, BASE64_URLSAFE);
}

enum errcode identity_server_lookup(struct call *call, const struct identity_server *server,
                                    const struct identity_address *address,
                                    const char **user_id_out)
{
    const char *pepper, *hash, *user_id;
    json_t *details, *content, *found;

    TRY(ask_as_user(call, server, API "/hash_details", NULL, &details));
    pepper = json_get_string(details, "lookup_pepper");
    if (pepper == NULL)
        return fail(call->error, E_REMOTE, "%s tells no pepper", server->name);
    hash = hash_address(call, address, pepper);
    content = json_on_arena(call->arena, json_pack("{s:[s], s:s, s:s}", "addresses", hash,
                                                   "algorithm", "sha256", "pepper", pepper));
    TRY(ask_as_user(call, server, API "/lookup", content, &found));
    user_id = json_get_string(json_get_object(found, "mappings"), hash);
    *user_id_out = user_id != NULL && user_id_is_valid(user_id) ? user_id : NULL;
    return OK;
}

enum errcode identity_server_store_invite(struct call *call, const struct identity_server *server,
                                          const json_t *invite, json_t **out)
{
    TRY(ask_as_user(call, server, API "/store-invite", invite, out));
    const char *token = json_get_string(*out, "token");
    const json_t *key = json_array_get(json_get_array(*out, "public_keys"), 0);
    if (token == NULL || *token == '\0' || strlen(token) > TOKEN_BYTES_MAX ||
        json_get_string(*out, "display_name") == NULL ||
        json_get_string(key, "public_key") == NULL ||
        json_get_string(key, "key_validity_url") == NULL)
        return fail(call->error, E_REMOTE, "%s did not store the invite as specified",
                    server->name);
    return OK;
}

/* The host of the address is an identity server of ours. */
static bool is_of_trusted_server(struct call *call, const char *url)
{
    static const char scheme[] = "https://";

    if (strncmp(url, scheme, strlen(scheme)) != 0)
        return false;
    url += strlen(scheme);
    return is_trusted(config_current(call->services->config), url, strcspn(url, "/?#"));
}

enum errcode identity_key_check(struct call *call, const char *validity_url, const char *public_key)
{
    struct http_call request = {
        .method = "GET",
        .timeout_ms = TIMEOUT_MS,
        .answer_limit_bytes = ANSWER_BYTES_MAX,
    };
    struct http_answer answer;
    json_t *json;

    if (validity_url == NULL || strncmp(validity_url, "https://", strlen("https://")) != 0)
        return fail(call->error, M_FORBIDDEN, "The invite's key has no address to ask.");
    char separator = strchr(validity_url, '?') != NULL ? '&' : '?';
    request.url = arena_printf(call->arena, "%s%cpublic_key=%s", validity_url, separator,
                               federation_encode(call->arena, public_key));
    request.allow_private_addresses = is_of_trusted_server(call, validity_url);
    TRY(http_client_fetch(call->services->http, call->arena, &request, call->error, &answer));
    TRY(federation_read_answer(call->arena, "The identity server", &answer, call->error, &json));
    if (!json_get_bool(json, "valid", false))
        return fail(call->error, M_FORBIDDEN,
                    "The key that the invite was signed with is not valid any more.");
    return OK;
}

/* What the server says its key is; M_FORBIDDEN when it has none of that name. */
static enum errcode load_key(struct call *call, const char *server_name, const char *key_id,
                             struct ed25519_public_key *out)
{
    const char *path =
        arena_printf(call->arena, API "/pubkey/%s", federation_encode(call->arena, key_id));
    json_t *answer;

    TRY(ask(call, server_name, path, NULL, NULL, &answer));
    if (!ed25519_public_key_decode(out, json_get_string(answer, "public_key")))
        return fail(call->error, E_REMOTE, "%s has a key that is none", server_name);
    return OK;
}

struct identity_keys {
    struct map *asked; /* server name, space, key ID -> struct ed25519_public_key; NULL: not told */
};

struct identity_keys *identity_keys_create(struct arena *arena)
{
    struct identity_keys *keys = ARENA_NEW(arena, struct identity_keys);

    keys->asked = map_create(arena);
    return keys;
}

/* NULL when it can not be had, or too many others were asked for. */
static enum errcode find_key(struct call *call, struct identity_keys *keys, const char *server_name,
                             const char *key_id, const struct ed25519_public_key **out)
{
    const char *name = arena_printf(call->arena, "%s %s", server_name, key_id);
    struct ed25519_public_key *key = ARENA_NEW(call->arena, struct ed25519_public_key);

    *out = map_get(keys->asked, name);
    if (map_contains(keys->asked, name) || map_count(keys->asked) >= KEYS_ASKED_MAX)
        return OK;
    map_set(keys->asked, name, NULL);
    TRY(load_key(call, server_name, key_id, key));
    map_set(keys->asked, name, key);
    *out = key;
    return OK;
}

enum errcode identity_signature_check(struct call *call, struct identity_keys *keys,
                                      const json_t *signed_object)
{
    const struct config *config = config_current(call->services->config);
    const json_t *signatures = json_get_object(signed_object, "signatures");
    const struct ed25519_public_key *key;
    const char *key_id;
    json_t *signature;

    for (size_t i = 0; i < config->identity_server_count; i++) {
        const char *server_name = config->identity_servers[i];
        json_object_foreach (json_get_object(signatures, server_name), key_id, signature) {
            if (!signing_key_id_is_valid(key_id))
                continue;
            TRY(find_key(call, keys, server_name, key_id, &key));
            if (key != NULL && signing_json_verify(signed_object, server_name, key_id, key))
                return OK;
        }
    }
    return fail(call->error, M_FORBIDDEN, "No identity server that this server trusts signed it.");
}
