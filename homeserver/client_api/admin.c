/* Spec: client-server API, "Server administration" (admin.yaml). */
#include <string.h>

#include "config/config.h"
#include "homeserver/accounts/moderation.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/services.h"
#include "storage/accounts.h"
#include "storage/devices.h"

/* A local account that is not deactivated. The route has checked that an administrator asks, so
 * that nobody else learns who has an account. */
static enum errcode load_target(struct request *req, const struct account **out)
{
    const struct account *account;
    const char *user_id;
    enum errcode code;

    TRY(path_user_id(req, "userId", &user_id));
    if (!config_hosts_user(config_current(req->call.services->config), user_id))
        return fail(&req->error, M_INVALID_PARAM, "This user does not belong to this server.");
    code = account_load(req->call.db, req->call.arena, user_id, &account);
    if (code == M_NOT_FOUND || (code == OK && account->deactivated_ts != 0))
        return fail(&req->error, M_NOT_FOUND, "There is no account with this user ID.");
    TRY(code);
    *out = account;
    return OK;
}

/* The spec keeps administrators out of each other's accounts. */
static enum errcode load_moderated(struct request *req, const struct account **out)
{
    const struct account *account;

    TRY(load_target(req, &account));
    if (account->is_admin && account->user_nid != req->requester.user_nid)
        return fail(&req->error, M_FORBIDDEN, "This account is another administrator's.");
    *out = account;
    return OK;
}

typedef enum errcode (*moderate_fn)(struct call *call, int64_t user_nid, bool restricted);

static enum errcode moderate(struct request *req, const char *member, moderate_fn act)
{
    const struct account *account;
    json_t *value = json_object_get(request_body(req), member);

    TRY(load_moderated(req, &account));
    if (account->user_nid == req->requester.user_nid)
        return fail(&req->error, M_FORBIDDEN, "You can not do this to your own account.");
    if (value == NULL)
        return fail(&req->error, M_MISSING_PARAM, "\"%s\" is missing.", member);
    if (!json_is_boolean(value))
        return fail(&req->error, M_BAD_JSON, "\"%s\" must be true or false.", member);
    TRY(act(&req->call, account->user_nid, json_is_true(value)));
    return respond(req, 200, json_pack("{s:O}", member, value));
}

/* GET /_matrix/client/v1/admin/lock/{userId} */
enum errcode client_get_admin_lock_user(struct request *req)
{
    const struct account *account;

    TRY(load_moderated(req, &account));
    return respond(req, 200, json_pack("{s:b}", "locked", account->is_locked));
}

/* PUT /_matrix/client/v1/admin/lock/{userId} */
enum errcode client_set_admin_lock_user(struct request *req)
{
    return moderate(req, "locked", account_lock);
}

/* GET /_matrix/client/v1/admin/suspend/{userId} */
enum errcode client_get_admin_suspend_user(struct request *req)
{
    const struct account *account;

    TRY(load_moderated(req, &account));
    return respond(req, 200, json_pack("{s:b}", "suspended", account->is_suspended));
}

/* PUT /_matrix/client/v1/admin/suspend/{userId} */
enum errcode client_set_admin_suspend_user(struct request *req)
{
    return moderate(req, "suspended", account_suspend);
}

/* One session with one connection: the last one that was noted. */
static json_t *whois_device(const struct device *device)
{
    json_t *connections = json_array();

    if (device->last_seen_ts != 0)
        json_array_append_new(connections,
                              json_pack("{s:s, s:I, s:s*}", "ip", device->last_seen_address,
                                        "last_seen", (json_int_t)device->last_seen_ts, "user_agent",
                                        device->last_seen_user_agent));
    return json_pack("{s:[{s:o}]}", "sessions", "connections", connections);
}

/* GET /_matrix/client/v3/admin/whois/{userId} */
enum errcode client_get_who_is(struct request *req)
{
    const struct account *account;
    const struct device *devices;
    const char *user_id;
    json_t *answer;
    size_t count;

    TRY(path_user_id(req, "userId", &user_id));
    if (!req->requester.is_admin && strcmp(user_id, req->requester.user_id) != 0)
        return fail(&req->error, M_FORBIDDEN, "You can only ask about yourself.");
    TRY(load_target(req, &account));
    TRY(devices_load(req->call.db, req->call.arena, account->user_nid, &devices, &count));
    answer = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_set_new(answer, devices[i].device_id, whois_device(&devices[i]));
    return respond(req, 200, json_pack("{s:s, s:o}", "user_id", user_id, "devices", answer));
}
