/* Asking other servers for the keys of their users. */
#include "federation/client/user_keys.h"

#include "federation/client/signed_request.h"
#include "homeserver/protocol/json.h"

enum { TIMEOUT_MS = 10 * 1000 };

static enum errcode ask(struct call *call, struct federation_request request, const char *name,
                        json_t *wanted, json_t **out)
{
    request.method = "POST";
    request.content = json_on_arena(call->arena, json_pack("{sO}", name, wanted));
    request.timeout_ms = TIMEOUT_MS;
    return federation_fetch(call, &request, out);
}

enum errcode federation_query_user_keys(struct call *call, const char *origin,
                                        const char *destination, json_t *device_keys, json_t **out)
{
    const struct federation_request request = {
        .origin = origin,
        .destination = destination,
        .target = "/_matrix/federation/v1/user/keys/query",
    };

    return ask(call, request, "device_keys", device_keys, out);
}

enum errcode federation_claim_user_keys(struct call *call, const char *origin,
                                        const char *destination, json_t *one_time_keys,
                                        json_t **out)
{
    const struct federation_request request = {
        .origin = origin,
        .destination = destination,
        .target = "/_matrix/federation/v1/user/keys/claim",
    };

    return ask(call, request, "one_time_keys", one_time_keys, out);
}
