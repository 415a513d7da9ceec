/* Spec: server-server API, "Inviting to a room" (invites-v1.yaml): rooms of versions 1 and 2. */
#include "federation/api/federation_api.h"
#include "federation/receiver/invite_intake.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"

/* PUT /_matrix/federation/v1/invite/{roomId}/{eventId} */
enum errcode federation_send_invite_v1(struct request *req)
{
    struct remote_invite invite = {
        .origin = req->requester.server_name,
        .room_version = "1", /* version 2 has the same event format */
        .event = request_body(req),
    };
    json_t *signed_event;

    TRY(path_room_id(req, "roomId", &invite.room_id));
    TRY(path_event_id(req, "eventId", &invite.event_id));
    invite.stripped_state =
        json_get_array(json_get_object(invite.event, "unsigned"), "invite_room_state");
    TRY(invite_receive(&req->call, &invite, &signed_event));
    return respond(req, 200, json_pack("[i,{sO}]", 200, "event", signed_event));
}
