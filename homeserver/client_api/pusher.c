/* Spec: client-server API, "Push notifications" (pusher.yaml). */
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/journal.h"
#include "storage/pushers.h"
#include "storage/threepids.h"

enum {
    PUSHKEY_BYTES_MAX = 512,
    APP_ID_BYTES_MAX = 64,
    NAME_BYTES_MAX = 255,
    DATA_BYTES_MAX = 8192,
    URL_BYTES_MAX = 2048,
};

static const char GATEWAY_PATH[] = "/_matrix/push/v1/notify";

static enum errcode read_text(struct request *req, const char *name, size_t bytes_max,
                              const char **out)
{
    TRY(body_string(req, name, out));
    if (strlen(*out) > bytes_max)
        return fail(&req->error, M_INVALID_PARAM, "%s is longer than %zu bytes.", name, bytes_max);
    return OK;
}

/* https, a host, and exactly the path that the spec gives. */
static bool is_gateway_url(const char *url)
{
    static const char scheme[] = "https://";
    const char *host;
    const char *path;

    if (url == NULL || strlen(url) > URL_BYTES_MAX || strncmp(url, scheme, strlen(scheme)) != 0)
        return false;
    host = url + strlen(scheme);
    path = strchr(host, '/');
    return path != NULL && path != host && strcmp(path, GATEWAY_PATH) == 0;
}

static enum errcode read_data(struct request *req, const struct pusher *pusher, const char **out)
{
    json_t *data;

    TRY(body_object(req, "data", &data));
    if (strcmp(pusher->kind, "http") == 0 && !is_gateway_url(json_get_string(data, "url")))
        return fail(&req->error, M_INVALID_PARAM, "data.url must be an https URL with the path %s.",
                    GATEWAY_PATH);
    if (json_dumpb(data, NULL, 0, JSON_COMPACT) > DATA_BYTES_MAX)
        return fail(&req->error, M_TOO_LARGE, "data is limited to %d bytes.", DATA_BYTES_MAX);
    *out = json_compact(req->call.arena, data);
    return OK;
}

/* Nobody has mails sent to somebody else. */
static enum errcode check_address(struct request *req, const struct pusher *pusher)
{
    int64_t owner_nid = 0;
    enum errcode found =
        threepid_find_user(req->call.db, req->call.arena, "email", pusher->pushkey, &owner_nid);

    if (found != OK && found != M_NOT_FOUND)
        return found;
    if (owner_nid != pusher->user_nid)
        return fail(&req->error, M_INVALID_PARAM, "Your account has no such e-mail address.");
    return OK;
}

static enum errcode check_kind(struct request *req, const struct pusher *pusher)
{
    if (strcmp(pusher->kind, "http") == 0)
        return OK;
    if (strcmp(pusher->kind, "email") != 0)
        return fail(&req->error, M_INVALID_PARAM, "The kind of a pusher is http or email.");
    if (strcmp(pusher->app_id, "m.email") != 0)
        return fail(&req->error, M_INVALID_PARAM, "The app_id of an email pusher is m.email.");
    return check_address(req, pusher);
}

static enum errcode read_pusher(struct request *req, struct pusher *pusher)
{
    TRY(body_string(req, "kind", &pusher->kind));
    TRY(check_kind(req, pusher));
    TRY(read_text(req, "app_display_name", NAME_BYTES_MAX, &pusher->app_display_name));
    TRY(read_text(req, "device_display_name", NAME_BYTES_MAX, &pusher->device_display_name));
    TRY(read_text(req, "lang", NAME_BYTES_MAX, &pusher->lang));
    TRY(body_bool_optional(req, "org.matrix.msc3881.enabled", true, &pusher->is_enabled));
    TRY(body_string_optional(req, "profile_tag", &pusher->profile_tag));
    if (pusher->profile_tag != NULL && strlen(pusher->profile_tag) > NAME_BYTES_MAX)
        return fail(&req->error, M_INVALID_PARAM, "profile_tag is longer than %d bytes.",
                    NAME_BYTES_MAX);
    return read_data(req, pusher, &pusher->data);
}

static enum errcode save_pusher(struct request *req, const struct pusher *pusher)
{
    enum errcode saved;
    bool append;

    TRY(body_bool_optional(req, "append", false, &append));
    saved = pusher_save(req->call.db, req->call.arena, pusher, !append);
    if (saved == M_RESOURCE_LIMIT_EXCEEDED)
        return fail(&req->error, saved, "You have %d pushers; there can not be more.",
                    PUSHERS_PER_USER_MAX);
    TRY(saved);
    return respond_empty(req);
}

/* POST /_matrix/client/v3/pushers/set */
enum errcode client_post_pusher(struct request *req)
{
    struct pusher pusher = {
        .user_nid = req->requester.user_nid,
        .device_id = req->requester.device_id,
        .pushkey_ts = clock_wall_ms(),
        .last_position = journal_position(req->call.services->journal),
    };
    const json_t *kind = json_object_get(request_body(req), "kind");

    TRY(read_text(req, "app_id", APP_ID_BYTES_MAX, &pusher.app_id));
    TRY(read_text(req, "pushkey", PUSHKEY_BYTES_MAX, &pusher.pushkey));
    if (json_is_null(kind)) {
        TRY(pusher_delete(req->call.db, pusher.user_nid, pusher.app_id, pusher.pushkey));
        return respond_empty(req);
    }
    TRY(read_pusher(req, &pusher));
    return save_pusher(req, &pusher);
}

static enum errcode pusher_to_json(struct request *req, const struct pusher *pusher, json_t **out)
{
    json_t *data;

    TRY(json_parse_object(req->call.arena, pusher->data, strlen(pusher->data), &req->error, &data));
    *out = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:O}", "pushkey", pusher->pushkey, "kind",
                     pusher->kind, "app_id", pusher->app_id, "app_display_name",
                     pusher->app_display_name, "device_display_name", pusher->device_display_name,
                     "lang", pusher->lang, "data", data);
    if (pusher->profile_tag != NULL)
        json_object_set_new(*out, "profile_tag", json_string(pusher->profile_tag));
    json_object_set_new(*out, "org.matrix.msc3881.enabled", json_boolean(pusher->is_enabled));
    if (pusher->device_id != NULL)
        json_object_set_new(*out, "org.matrix.msc3881.device_id", json_string(pusher->device_id));
    return OK;
}

/* GET /_matrix/client/v3/pushers */
enum errcode client_get_pushers(struct request *req)
{
    json_t *list = json_on_arena(req->call.arena, json_array());
    struct pusher *pushers;
    size_t count;

    TRY(pushers_of_user(req->call.db, req->call.arena, req->requester.user_nid, &pushers, &count));
    for (size_t i = 0; i < count; i++) {
        json_t *json;
        TRY(pusher_to_json(req, &pushers[i], &json));
        json_array_append_new(list, json);
    }
    return respond(req, 200, json_pack("{s:O}", "pushers", list));
}
