/* Spec: server-server API, "Device Management" (user_devices.yaml). */
#include <string.h>

#include "config/config.h"
#include "federation/api/federation_api.h"
#include "homeserver/encryption/key_query.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/accounts.h"
#include "storage/journal.h"

static json_t *device_json(const char *device_id, json_t *keys)
{
    json_t *device = json_pack("{ss,sO}", "device_id", device_id, "keys", keys);
    const char *name = json_get_string(json_get_object(keys, "unsigned"), "device_display_name");

    if (name != NULL)
        json_object_set_new(device, "device_display_name", json_string(name));
    return device;
}

static void copy_key(json_t *answer, const char *name, json_t *keys_of_users, const char *user_id)
{
    json_t *key = json_object_get(keys_of_users, user_id);

    if (key != NULL)
        json_object_set(answer, name, key);
}

/* GET /_matrix/federation/v1/user/devices/{userId} */
enum errcode federation_get_user_devices(struct request *req)
{
    struct key_query query = {0};
    const struct account *account;
    const char *user_id, *device_id;
    json_t *keys, *document;

    TRY(path_user_id(req, "userId", &user_id));
    if (!config_hosts_user(config_current(req->call.services->config), user_id))
        return fail(&req->error, M_NOT_FOUND, "The user is not one of this server.");
    TRY(account_load(req->call.db, req->call.arena, user_id, &account));
    /* Read before the keys: who compares may ask once too often, never too seldom. */
    int64_t stream_id = journal_position(req->call.services->journal);
    query.wanted = json_on_arena(req->call.arena, json_pack("{s[]}", user_id));
    TRY(keys_query(&req->call, &query, &keys));
    json_t *devices = json_array();
    json_object_foreach (json_object_get(json_get_object(keys, "device_keys"), user_id), device_id,
                         document)
        json_array_append_new(devices, device_json(device_id, document));
    json_t *answer = json_pack("{ss,sI,so}", "user_id", user_id, "stream_id", (json_int_t)stream_id,
                               "devices", devices);
    copy_key(answer, "master_key", json_get_object(keys, "master_keys"), user_id);
    copy_key(answer, "self_signing_key", json_get_object(keys, "self_signing_keys"), user_id);
    return respond(req, 200, answer);
}
