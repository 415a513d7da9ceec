/*
 * Dehydrated devices: a device without a session, which receives room keys while nobody is logged
 * in.
 * Spec: MSC3814, with the prefix that clients use for it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/accounts/sessions.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/encryption/key_upload.h"
#include "homeserver/encryption/to_device.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/db.h"
#include "storage/dehydrated_devices.h"
#include "storage/devices.h"
#include "storage/journal.h"
#include "storage/to_device.h"

enum {
    DEVICE_DATA_BYTES_MAX = 65536,
    MESSAGES_PER_ANSWER = 100,
};

static enum errcode load_own(struct request *req, struct dehydrated_device *out)
{
    enum errcode code =
        dehydrated_device_load(req->call.db, req->call.arena, req->requester.user_nid, out);

    if (code == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "You have no dehydrated device.");
    return code;
}

/* PUT: a device and all its keys in one request. */
struct dehydration {
    struct dehydrated_device device;
    const char *display_name;
    struct key_upload keys;
    struct requester owner; /* the user on that device */
};

static enum errcode read_device_data(struct request *req, const char **out)
{
    json_t *data;

    TRY(body_object(req, "device_data", &data));
    if (json_get_string(data, "algorithm") == NULL)
        return fail(&req->error, M_BAD_JSON, "\"device_data\" must name its algorithm.");
    const char *text = json_compact(req->call.arena, data);
    if (text == NULL)
        return E_SYSTEM;
    if (strlen(text) > DEVICE_DATA_BYTES_MAX)
        return fail(&req->error, M_TOO_LARGE, "\"device_data\" has at most %d bytes.",
                    DEVICE_DATA_BYTES_MAX);
    *out = text;
    return OK;
}

static enum errcode read_dehydration(struct request *req, struct dehydration *out)
{
    TRY(body_string(req, "device_id", &out->device.device_id));
    TRY(read_device_data(req, &out->device.device_data));
    TRY(body_string_optional(req, "initial_device_display_name", &out->display_name));
    TRY(body_object(req, "device_keys", &out->keys.device_keys));
    TRY(body_object_optional(req, "one_time_keys", &out->keys.one_time_keys));
    TRY(body_object_optional(req, "fallback_keys", &out->keys.fallback_keys));
    out->owner = req->requester;
    out->owner.device_id = out->device.device_id;
    return keys_check(&req->call, &out->owner, &out->keys);
}

/* The device before ends, with its keys and messages; one on which somebody is logged in must not.
 */
static enum errcode end_predecessor(struct request *req, const char *device_id)
{
    int64_t user_nid = req->requester.user_nid;
    struct dehydrated_device before;
    struct device device;
    enum errcode before_found =
        dehydrated_device_load(req->call.db, req->call.arena, user_nid, &before);
    enum errcode found = device_load(req->call.db, req->call.arena, user_nid, device_id, &device);

    if (before_found != OK && before_found != M_NOT_FOUND)
        return before_found;
    if (found != OK && found != M_NOT_FOUND)
        return found;
    bool is_same = before_found == OK && strcmp(before.device_id, device_id) == 0;
    if (found == OK && !is_same)
        return fail(&req->error, M_INVALID_PARAM, "You are logged in on a device with this ID.");
    return before_found == OK ? session_end_device(&req->call, user_nid, before.device_id) : OK;
}

static enum errcode make_device(struct request *req, const struct dehydration *dehydration)
{
    const struct session_draft draft = {
        .user_nid = req->requester.user_nid,
        .device_id = dehydration->device.device_id,
        .display_name = dehydration->display_name,
    };
    SCOPED(db_transaction_end) struct db *tx = NULL;

    TRY(session_check_draft(&req->call, &draft));
    TRY(end_predecessor(req, draft.device_id));
    TRY(db_begin(req->call.db, &tx));
    TRY(device_insert(tx, draft.user_nid, draft.device_id, draft.display_name, clock_wall_ms()));
    TRY(dehydrated_device_set(tx, draft.user_nid, &dehydration->device));
    return db_commit(&tx);
}

/* PUT /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device */
enum errcode client_put_dehydrated_device(struct request *req)
{
    struct dehydration dehydration = {0};
    struct key_counts counts;

    TRY(read_dehydration(req, &dehydration));
    TRY(make_device(req, &dehydration));
    TRY(keys_upload(&req->call, &dehydration.owner, &dehydration.keys, &counts));
    return respond(req, 200, json_pack("{s:s}", "device_id", dehydration.device.device_id));
}

/* GET /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device */
enum errcode client_get_dehydrated_device(struct request *req)
{
    struct dehydrated_device device;
    json_t *data;

    TRY(load_own(req, &device));
    TRY(json_parse(req->call.arena, device.device_data, strlen(device.device_data), NULL, &data));
    return respond(req, 200,
                   json_pack("{s:s, s:O}", "device_id", device.device_id, "device_data", data));
}

/* DELETE /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device */
enum errcode client_delete_dehydrated_device(struct request *req)
{
    struct dehydrated_device device;

    TRY(load_own(req, &device));
    TRY(session_end_device(&req->call, req->requester.user_nid, device.device_id));
    return respond(req, 200, json_pack("{s:s}", "device_id", device.device_id));
}

/* The token is a position in decimal: of the last message that was told. */
static enum errcode read_position(struct request *req, const char *token, int64_t *out)
{
    char *end;

    *out = 0;
    if (token == NULL)
        return OK;
    *out = strtoll(token, &end, 10);
    if (*token < '0' || *token > '9' || *end != '\0' || strlen(token) > 18)
        return fail(&req->error, M_INVALID_PARAM, "\"next_batch\" is not a token of this server.");
    return OK;
}

/* Messages are not deleted by being read: another device may have to start over. */
static enum errcode respond_events(struct request *req, const char *token)
{
    struct to_device_reader reader = {
        .user_nid = req->requester.user_nid,
        .range = {.until = journal_position(req->call.services->journal),
                  .limit = MESSAGES_PER_ANSWER},
    };
    struct to_device_message *messages;
    struct dehydrated_device device;
    struct strbuf out;
    size_t count, size;

    TRY(path_string(req, "deviceId", &reader.device_id));
    enum errcode code =
        dehydrated_device_load(req->call.db, req->call.arena, reader.user_nid, &device);
    if (code == M_NOT_FOUND || (code == OK && strcmp(device.device_id, reader.device_id) != 0))
        return fail(&req->error, M_FORBIDDEN, "This is not your dehydrated device.");
    TRY(code);
    TRY(read_position(req, token, &reader.range.since));
    TRY(to_device_read(req->call.db, req->call.arena, &reader, &messages, &count));

    int64_t next = count > 0 ? messages[count - 1].position : reader.range.since;
    strbuf_init(&out, 0);
    strbuf_add_string(&out, "{\"events\":[");
    to_device_write(messages, count, &out);
    strbuf_printf(&out, "],\"next_batch\":\"%" PRId64 "\"}", next);
    char *bytes = strbuf_detach(&out, &size);
    return respond_bytes(req, 200, "application/json", bytes, size);
}

/* GET /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{deviceId}/events */
enum errcode client_get_dehydrated_device_events(struct request *req)
{
    return respond_events(req, query_string(req, "next_batch"));
}

/* POST: the form of it that clients used first, and still do. */
enum errcode client_post_dehydrated_device_events(struct request *req)
{
    const char *token;

    TRY(body_string_optional(req, "next_batch", &token));
    return respond_events(req, token);
}
