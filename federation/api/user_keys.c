/* Spec: server-server API, "End-to-End Encryption" (user_keys.yaml): keys of our users only. */
#include "config/config.h"
#include "federation/api/federation_api.h"
#include "homeserver/encryption/key_claim.h"
#include "homeserver/encryption/key_query.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"

/* What is asked about users of this server; others are passed over. */
static json_t *only_hosted(struct request *req, json_t *wanted)
{
    const struct config *config = config_current(req->call.services->config);
    json_t *kept = json_on_arena(req->call.arena, json_object()), *value;
    const char *user_id;

    json_object_foreach (wanted, user_id, value) {
        if (config_hosts_user(config, user_id))
            json_object_set(kept, user_id, value);
    }
    return kept;
}

/* POST /_matrix/federation/v1/user/keys/query */
enum errcode federation_query_user_encryption_keys(struct request *req)
{
    struct key_query query = {0};
    json_t *wanted, *answer;

    TRY(body_object(req, "device_keys", &wanted));
    query.wanted = only_hosted(req, wanted); /* and no asker: nobody else is asked */
    TRY(keys_query(&req->call, &query, &answer));
    json_object_del(answer, "failures");
    json_object_del(answer, "user_signing_keys");
    return respond(req, 200, json_incref(answer));
}

/* POST /_matrix/federation/v1/user/keys/claim */
enum errcode federation_claim_user_encryption_keys(struct request *req)
{
    json_t *wanted, *keys;

    TRY(body_object(req, "one_time_keys", &wanted));
    TRY(key_claims_limit(&req->call, req->requester.server_name, wanted));
    TRY(keys_claim(&req->call, only_hosted(req, wanted), &keys));
    return respond(req, 200, json_pack("{sO}", "one_time_keys", keys));
}
