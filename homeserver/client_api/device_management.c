/* Spec: client-server API, "Device Management" (device_management.yaml). */
#include <string.h>

#include "homeserver/accounts/sessions.h"
#include "homeserver/base/array.h"
#include "homeserver/base/clock.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/client_uia.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "storage/devices.h"

/* What is not known is null and not absent: matrix-nio understands no list in which a member is
 * missing. */
static json_t *device_json(const struct device *device)
{
    json_t *last_seen =
        device->last_seen_ts != 0 ? json_integer(device->last_seen_ts) : json_null();

    return json_pack("{s:s, s:s?, s:s?, s:o}", "device_id", device->device_id, "display_name",
                     device->display_name, "last_seen_ip", device->last_seen_address,
                     "last_seen_ts", last_seen);
}

/* GET /_matrix/client/v3/devices */
enum errcode client_get_devices(struct request *req)
{
    const struct device *devices;
    json_t *list;
    size_t count;

    TRY(devices_load(req->call.db, req->call.arena, req->requester.user_nid, &devices, &count));
    list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, device_json(&devices[i]));
    return respond(req, 200, json_pack("{s:o}", "devices", list));
}

static enum errcode load_own_device(struct request *req, struct device *out)
{
    const char *device_id;
    enum errcode code;

    TRY(path_string(req, "deviceId", &device_id));
    code = device_load(req->call.db, req->call.arena, req->requester.user_nid, device_id, out);
    if (code == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "You have no device with this ID.");
    return code;
}

/* GET /_matrix/client/v3/devices/{deviceId} */
enum errcode client_get_device(struct request *req)
{
    struct device device;

    TRY(load_own_device(req, &device));
    return respond(req, 200, device_json(&device));
}

/* Spec (since v1.17): for application services an unknown device is a new one, without tokens. */
static enum errcode update_or_create_device(struct request *req, const char *display_name)
{
    int64_t user_nid = req->requester.user_nid;
    struct session_draft draft = {.user_nid = user_nid, .display_name = display_name};
    struct device device;
    const char *device_id;

    TRY(path_string(req, "deviceId", &device_id));
    enum errcode found = device_load(req->call.db, req->call.arena, user_nid, device_id, &device);
    if (found == OK) {
        if (display_name != NULL)
            TRY(session_rename_device(&req->call, user_nid, device_id, display_name));
        return respond_empty(req);
    }
    if (found != M_NOT_FOUND)
        return found;
    draft.device_id = device_id;
    TRY(session_check_draft(&req->call, &draft));
    TRY(device_insert(req->call.db, user_nid, device_id, display_name, clock_wall_ms()));
    return respond(req, 201, json_object());
}

/* PUT /_matrix/client/v3/devices/{deviceId} */
enum errcode client_update_device(struct request *req)
{
    struct device device;
    const char *display_name;

    TRY(body_string_optional(req, "display_name", &display_name));
    if (req->requester.appservice_id != NULL)
        return update_or_create_device(req, display_name);
    TRY(load_own_device(req, &device));
    if (display_name != NULL)
        TRY(session_rename_device(&req->call, req->requester.user_nid, device.device_id,
                                  display_name));
    return respond_empty(req);
}

/* Application services manage the devices of their users without interaction (since v1.17). */
static enum errcode authorise_deletion(struct request *req, struct uia_outcome *out)
{
    if (req->requester.appservice_id != NULL) {
        *out = (struct uia_outcome){.body = request_body(req)};
        return OK;
    }
    return client_uia_authorise(req, &client_uia_password, out);
}

/* DELETE /_matrix/client/v3/devices/{deviceId} */
enum errcode client_delete_device(struct request *req)
{
    struct uia_outcome uia;
    const char *device_id;

    TRY(path_string(req, "deviceId", &device_id));
    TRY(authorise_deletion(req, &uia));
    if (uia.challenge != NULL)
        return client_uia_challenge(req, &uia);
    TRY(session_end_device(&req->call, req->requester.user_nid, device_id));
    TRY(uia_finish(&req->call, &uia));
    return respond_empty(req);
}

/* POST /_matrix/client/v3/delete_devices */
enum errcode client_delete_devices(struct request *req)
{
    ARRAY_OF(const char *) device_ids = {0};
    struct uia_outcome uia;
    const json_t *item;
    json_t *devices;
    size_t i;

    TRY(authorise_deletion(req, &uia));
    if (uia.challenge != NULL)
        return client_uia_challenge(req, &uia);

    TRY(json_require_array(uia.body, "devices", &req->error, &devices));
    json_array_foreach (devices, i, item) {
        if (!json_is_text(item))
            return fail(&req->error, M_BAD_JSON, "\"devices\" must hold device IDs.");
        array_push(req->call.arena, &device_ids, json_string_value(item));
    }
    TRY(session_end_devices(&req->call, req->requester.user_nid, device_ids.items,
                            device_ids.count));
    TRY(uia_finish(&req->call, &uia));
    return respond_empty(req);
}
