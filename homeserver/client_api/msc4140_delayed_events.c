/* Events that are sent later unless the client says otherwise. Spec: MSC4140, under the names of
 * the unstable API, where the delay is a parameter of /send and /state. */
#include <stdlib.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/delayed_event.h"
#include "homeserver/client_api/room_transaction.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/delayed_events.h"

static const char DELAY_PARAMETER[] = "org.matrix.msc4140.delay";

/* Whoever knows it may use it: it is a secret. */
enum { DELAY_ID_LENGTH = 43, CONTENT_BYTES_MAX = 65536 };

bool is_delayed(struct request *req)
{
    return query_string(req, DELAY_PARAMETER) != NULL;
}

static enum errcode read_delay(struct request *req, int64_t *out)
{
    TRY(query_int(req, DELAY_PARAMETER, 0, INT64_MIN, INT64_MAX, out));
    if (*out <= 0)
        return fail(&req->error, M_INVALID_PARAM, "The delay must be a positive number.");
    if (*out > DELAYED_EVENT_MS_MAX) {
        /* Clients shorten the delay when they are told so in this form. */
        error_set_string(&req->error, "org.matrix.msc4140.errcode", "M_MAX_DELAY_EXCEEDED");
        error_set_int(&req->error, "org.matrix.msc4140.max_delay", DELAYED_EVENT_MS_MAX);
        return fail(&req->error, M_UNKNOWN, "The longest delay is a day.");
    }
    return OK;
}

static enum errcode schedule(struct request *req, struct delayed_event *event)
{
    char *content;

    TRY(read_delay(req, &event->delay_ms));
    /* Who is in a room, and that it exists, is not decided in advance. */
    if (strcmp(event->type, "m.room.member") == 0 || strcmp(event->type, "m.room.create") == 0)
        return fail(&req->error, M_FORBIDDEN, "Events of this type can not be delayed.");
    event->delay_id = random_token(req->call.arena, DELAY_ID_LENGTH);
    event->running_since_ts = clock_wall_ms();
    content = json_dumps(request_body(req), JSON_COMPACT);
    if (content == NULL || strlen(content) > CONTENT_BYTES_MAX) {
        free(content);
        return fail(&req->error, M_TOO_LARGE, "The event would be too large.");
    }
    event->content = content;
    enum errcode added = delayed_event_add(req->call.db, event);
    free(content);
    if (added == M_LIMIT_EXCEEDED)
        return fail(&req->error, M_LIMIT_EXCEEDED, "You have too many delayed events.");
    return added;
}

enum errcode respond_delayed(struct request *req, const struct delayed_request *delayed)
{
    struct delayed_event event = {
        .user_nid = req->requester.user_nid,
        .room_id = delayed->room_id,
        .type = delayed->type,
        .state_key = delayed->state_key,
    };

    if (delayed->txn_id != NULL) {
        const struct client_transaction transaction =
            room_transaction(req, "delayed", delayed->room_id, delayed->type, delayed->txn_id);
        event.txn_key =
            arena_printf(req->call.arena, "%s %s", transaction.device_id, transaction.txn_key);
        TRY(delayed_event_find_transaction(req->call.db, req->call.arena, event.user_nid,
                                           event.txn_key, &event.delay_id));
    }
    if (event.delay_id == NULL)
        TRY(schedule(req, &event));
    return respond(req, 200, json_pack("{ss}", "delay_id", event.delay_id));
}

/* With the names of the proposal and those that clients in use read. */
static json_t *to_json(struct request *req, const struct delayed_event *event)
{
    json_t *content = NULL;
    json_t *json;

    if (json_parse(req->call.arena, event->content, strlen(event->content), NULL, &content) != OK)
        content = NULL;
    json = json_pack("{ss, ss, ss, sI, sI, sI, sI, sO?}", "delay_id", event->delay_id, "room_id",
                     event->room_id, "type", event->type, "delay", (json_int_t)event->delay_ms,
                     "delay_ms", (json_int_t)event->delay_ms, "running_since",
                     (json_int_t)event->running_since_ts, "scheduled_at",
                     (json_int_t)event->running_since_ts, "content", content);
    if (event->state_key != NULL)
        json_object_set_new(json, "state_key", json_string(event->state_key));
    return json;
}

/* GET /_matrix/client/unstable/org.matrix.msc4140/delayed_events */
enum errcode client_get_delayed_events(struct request *req)
{
    struct delayed_event *events;
    json_t *array;
    size_t count;

    TRY(delayed_events_of_user(req->call.db, req->call.arena, req->requester.user_nid, &events,
                               &count));
    array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, to_json(req, &events[i]));
    return respond(req, 200, json_pack("{so}", "delayed_events", array));
}

/* GET /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId} */
enum errcode client_get_delayed_event(struct request *req)
{
    struct delayed_event event;
    const char *delay_id;

    TRY(path_string(req, "delayId", &delay_id));
    TRY(delayed_event_load(req->call.db, req->call.arena, delay_id, &event));
    if (event.user_nid != req->requester.user_nid)
        return M_NOT_FOUND;
    return respond(req, 200, to_json(req, &event));
}

static enum errcode act(struct request *req, const char *action)
{
    const char *delay_id;

    TRY(path_string(req, "delayId", &delay_id));
    if (strcmp(action, "send") == 0)
        TRY(delayed_event_send(&req->call, delay_id));
    else if (strcmp(action, "restart") == 0)
        TRY(delayed_event_restart(req->call.db, delay_id, clock_wall_ms()));
    else if (strcmp(action, "cancel") == 0)
        TRY(delayed_event_finish(req->call.db, delay_id, clock_wall_ms()));
    else
        return M_UNRECOGNIZED;
    return respond_empty(req);
}

/* POST /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}/{action} */
enum errcode client_update_delayed_event(struct request *req)
{
    const char *action;

    TRY(path_string(req, "action", &action));
    return act(req, action);
}

/* POST /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}: the form before. */
enum errcode client_update_delayed_event_by_body(struct request *req)
{
    const char *action;

    TRY(body_string(req, "action", &action));
    return act(req, action);
}
