/* Asking other servers for the keys and devices of their users. */
#include "federation/client/user_keys.h"

#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"

static struct federation_question question(const struct key_asker *asker, const char *method,
                                           const char *destination, const char *target)
{
    return (struct federation_question){.request = {
                                            .method = method,
                                            .origin = asker->origin,
                                            .destination = destination,
                                            .target = target,
                                            .timeout_ms = asker->timeout_ms,
                                        }};
}

struct federation_question federation_user_keys_query(struct call *call,
                                                      const struct key_asker *asker,
                                                      const char *destination, json_t *wanted)
{
    struct federation_question out =
        question(asker, "POST", destination, "/_matrix/federation/v1/user/keys/query");

    out.request.content = json_on_arena(call->arena, json_pack("{sO}", "device_keys", wanted));
    return out;
}

struct federation_question federation_user_keys_claim(struct call *call,
                                                      const struct key_asker *asker,
                                                      const char *destination, json_t *wanted)
{
    struct federation_question out =
        question(asker, "POST", destination, "/_matrix/federation/v1/user/keys/claim");

    out.request.content = json_on_arena(call->arena, json_pack("{sO}", "one_time_keys", wanted));
    return out;
}

struct federation_question federation_user_devices(struct call *call, const struct key_asker *asker,
                                                   const char *user_id)
{
    return question(
        asker, "GET", identifier_domain(user_id),
        federation_target(call->arena, "/_matrix/federation/v1/user/devices/%s", user_id));
}
