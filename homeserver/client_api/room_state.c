/*
 * Setting state.
 * Spec: client-server API, "Sending events to a room" (room_state.yaml).
 */
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/delayed_event.h"
#include "homeserver/client_api/massaged_time.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/canonical_alias.h"
#include "homeserver/rooms/membership.h"
#include "homeserver/rooms/send_event.h"

/* Membership set as state goes the same way as /join, /invite and the rest. */
static enum errcode set_membership(struct request *req, const char *room_id, const char *user_id,
                                   const char **event_id_out)
{
    struct membership_change change = {
        .requester = &req->requester,
        .target = user_id,
        .membership = json_get_string(request_body(req), "membership"),
        .content = request_body(req),
    };

    if (change.membership == NULL)
        return fail(&req->error, M_BAD_JSON, "membership must be a string.");
    TRY(massaged_time(req, &change.origin_server_ts));
    TRY(membership_change(&req->call, room_id, &change, event_id_out));
    return OK;
}

static enum errcode set_state(struct request *req, const char *state_key)
{
    const char *room_id, *event_type, *event_id;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(path_string(req, "eventType", &event_type));
    if (is_delayed(req)) {
        const struct delayed_request delayed = {room_id, event_type, state_key, NULL};
        return respond_delayed(req, &delayed);
    }
    if (strcmp(event_type, "m.room.create") == 0)
        return fail(&req->error, M_INVALID_PARAM, "A room is created once, by /createRoom.");
    if (strcmp(event_type, "m.room.member") == 0) {
        TRY(set_membership(req, room_id, state_key, &event_id));
        return respond(req, 200, json_pack("{ss}", "event_id", event_id));
    }
    if (strcmp(event_type, "m.room.canonical_alias") == 0)
        TRY(canonical_alias_check(&req->call, room_id, request_body(req)));

    struct event_draft draft = {
        .type = event_type,
        .sender = req->requester.user_id,
        .sender_nid = req->requester.user_nid,
        .state_key = state_key,
        .content = request_body(req),
        .reuse_identical_state = true,
    };
    TRY(massaged_time(req, &draft.origin_server_ts));
    TRY(room_send_event(&req->call, room_id, &draft, &event_id));
    return respond(req, 200, json_pack("{ss}", "event_id", event_id));
}

/* PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey} */
enum errcode client_set_room_state_with_key(struct request *req)
{
    const char *state_key;

    TRY(path_string(req, "stateKey", &state_key));
    return set_state(req, state_key);
}

/* PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType} */
enum errcode client_set_room_state(struct request *req)
{
    return set_state(req, "");
}
