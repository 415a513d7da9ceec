/* Fetching signing keys, from their server and from notaries. */
#include "federation/client/server_keys.h"

#include "config/config.h"
#include "federation/client/signed_request.h"
#include "homeserver/base/array.h"
#include "homeserver/base/clock.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/signing_json.h"
#include "homeserver/services.h"

enum { TIMEOUT_MS = 15 * 1000, DOCUMENT_BYTES_MAX = 256 * 1024, NOTARY_BYTES_MAX = 1 << 20 };

enum errcode federation_get_server_keys(struct call *call, const char *server_name,
                                        const struct server_keys **out)
{
    const struct federation_request request = {
        .method = "GET",
        .destination = server_name,
        .target = "/_matrix/key/v2/server",
        .is_unsigned = true,
        .timeout_ms = TIMEOUT_MS,
        .answer_limit_bytes = DOCUMENT_BYTES_MAX,
        .although_failing = true, /* the key ring has a back-off of its own */
    };
    const struct server_keys_source source = {server_name, clock_wall_ms()};
    json_t *json;

    TRY(federation_fetch(call, &request, &json));
    return server_keys_parse(call->arena, json, &source, call->error, out);
}

static bool notary_signed(const json_t *document, const struct notary_query *query)
{
    for (size_t i = 0; i < query->notary_keys->count; i++) {
        const struct server_key *key = &query->notary_keys->keys[i];
        if (!key->key.is_expired &&
            signing_json_verify(document, query->notary, key->key_id, &key->key.key))
            return true;
    }
    return false;
}

static json_t *wanted_keys(struct arena *arena, const struct notary_query *query)
{
    json_t *keys = query->key_id == NULL
                       ? json_object()
                       : json_pack("{s:{sI}}", query->key_id, "minimum_valid_until_ts",
                                   (json_int_t)clock_wall_ms());

    return json_on_arena(arena, json_pack("{s:{so}}", "server_keys", query->server_name, keys));
}

enum errcode federation_query_notary(struct call *call, const struct notary_query *query,
                                     const struct server_keys ***out, size_t *count_out)
{
    json_t *content = wanted_keys(call->arena, query);
    const struct federation_request request = {
        .method = "POST",
        .destination = query->notary,
        .target = "/_matrix/key/v2/query",
        .content = content,
        .is_unsigned = true,
        .timeout_ms = TIMEOUT_MS,
        .answer_limit_bytes = NOTARY_BYTES_MAX,
    };
    const struct server_keys_source source = {query->server_name, clock_wall_ms()};
    ARRAY_OF(const struct server_keys *) found = {0};
    json_t *json, *document;
    size_t index;

    TRY(federation_fetch(call, &request, &json));
    json_array_foreach (json_get_array(json, "server_keys"), index, document) {
        const struct server_keys *keys;
        struct error why = {0};
        if (notary_signed(document, query) &&
            server_keys_parse(call->arena, document, &source, &why, &keys) == OK)
            array_push(call->arena, &found, keys);
    }
    *out = found.items;
    *count_out = found.count;
    return found.count > 0 ? OK
                           : fail(call->error, M_NOT_FOUND, "%s has no keys of %s", query->notary,
                                  query->server_name);
}
