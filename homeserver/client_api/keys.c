/* Spec: client-server API, "End-to-End Encryption", "Key management API" (keys.yaml). */
#include <string.h>

#include "homeserver/client_api/client_api.h"
#include "homeserver/encryption/key_claim.h"
#include "homeserver/encryption/key_query.h"
#include "homeserver/encryption/key_upload.h"
#include "homeserver/encryption/remote_keys.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/services.h"
#include "homeserver/sync/device_lists.h"
#include "storage/journal.h"

/* For other servers; the specification recommends 10 s. */
enum {
    REMOTE_TIMEOUT_MIN_MS = 1000,
    REMOTE_TIMEOUT_DEFAULT_MS = 10 * 1000,
    REMOTE_TIMEOUT_MAX_MS = 30 * 1000,
};

static json_t *counts_json(const struct key_counts *counts)
{
    json_t *json = json_object();

    for (size_t i = 0; i < counts->count; i++)
        json_object_set_new(json, counts->counts[i].algorithm,
                            json_integer(counts->counts[i].count));
    return json;
}

/* POST /_matrix/client/v3/keys/upload */
enum errcode client_upload_keys(struct request *req)
{
    struct key_upload upload;
    struct key_counts counts;

    if (req->requester.device_id == NULL)
        return fail(&req->error, M_UNKNOWN_DEVICE, "Only a device can upload keys.");
    TRY(body_object_optional(req, "device_keys", &upload.device_keys));
    TRY(body_object_optional(req, "one_time_keys", &upload.one_time_keys));
    TRY(body_object_optional(req, "fallback_keys", &upload.fallback_keys));
    TRY(keys_upload(&req->call, &req->requester, &upload, &counts));
    return respond(req, 200, json_pack("{s:o}", "one_time_key_counts", counts_json(&counts)));
}

/* Who asks other servers, and how long they have. */
static enum errcode read_asker(struct request *req, struct key_asker *out)
{
    int64_t timeout_ms;

    TRY(body_int_optional(req, "timeout", REMOTE_TIMEOUT_DEFAULT_MS, &timeout_ms));
    if (timeout_ms < REMOTE_TIMEOUT_MIN_MS)
        timeout_ms = REMOTE_TIMEOUT_MIN_MS;
    *out = (struct key_asker){
        .origin = req->requester.server_name,
        .timeout_ms =
            timeout_ms > REMOTE_TIMEOUT_MAX_MS ? (int64_t)REMOTE_TIMEOUT_MAX_MS : timeout_ms,
    };
    return OK;
}

/* POST /_matrix/client/v3/keys/query */
enum errcode client_query_keys(struct request *req)
{
    struct key_asker asker;
    struct key_query query = {.viewer_nid = req->requester.user_nid, .asker = &asker};
    json_t *answer;

    TRY(body_object(req, "device_keys", &query.wanted));
    TRY(read_asker(req, &asker));
    TRY(keys_query(&req->call, &query, &answer));
    return respond(req, 200, json_incref(answer));
}

/* POST /_matrix/client/v3/keys/claim */
enum errcode client_claim_keys(struct request *req)
{
    json_t *wanted, *keys, *failures = json_on_arena(req->call.arena, json_object());
    struct key_asker asker;

    TRY(body_object(req, "one_time_keys", &wanted));
    TRY(key_claims_limit(&req->call, req->requester.user_id, wanted));
    TRY(read_asker(req, &asker));
    TRY(keys_claim(&req->call, wanted, &keys));
    TRY(remote_keys_claim(&req->call, &asker, remote_keys_wanted(&req->call, wanted), keys,
                          failures));
    return respond(req, 200, json_pack("{s:O, s:O}", "one_time_keys", keys, "failures", failures));
}

static enum errcode read_range(struct request *req, struct position_range *out)
{
    int64_t newest = journal_position(req->call.services->journal);
    struct sync_token from, to;

    if (query_string(req, "from") == NULL || query_string(req, "to") == NULL)
        return fail(&req->error, M_MISSING_PARAM, "\"from\" and \"to\" must be given.");
    TRY(sync_token_parse(query_string(req, "from"), newest, &req->error, &from));
    TRY(sync_token_parse(query_string(req, "to"), newest, &req->error, &to));
    *out = (struct position_range){.since = from.position, .until = to.position};
    return OK;
}

/* GET /_matrix/client/v3/keys/changes */
enum errcode client_get_keys_changes(struct request *req)
{
    struct device_list_change *changes;
    struct position_range range;
    struct user_view view;
    size_t count;

    TRY(read_range(req, &range));
    TRY(notifier_user_view(&req->call, req->requester.user_nid, &view));
    TRY(device_lists_between(&req->call, req->requester.user_nid, &view, range, &changes, &count));
    json_t *changed = json_array(), *left = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(changes[i].is_left ? left : changed, json_string(changes[i].user_id));
    return respond(req, 200, json_pack("{s:o, s:o}", "changed", changed, "left", left));
}
