/* Spec: server-server API, "Inviting to a room" (invites-v2.yaml). */
#include "federation/api/federation_api.h"
#include "federation/receiver/invite_intake.h"
#include "homeserver/http/request.h"

/* PUT /_matrix/federation/v2/invite/{roomId}/{eventId} */
enum errcode federation_send_invite_v2(struct request *req)
{
    struct remote_invite invite = {.origin = req->requester.server_name};
    json_t *signed_event;

    TRY(path_room_id(req, "roomId", &invite.room_id));
    TRY(path_event_id(req, "eventId", &invite.event_id));
    TRY(body_string(req, "room_version", &invite.room_version));
    TRY(body_object(req, "event", &invite.event));
    TRY(body_array_optional(req, "invite_room_state", &invite.stripped_state));
    TRY(invite_receive(&req->call, &invite, &signed_event));
    return respond(req, 200, json_pack("{sO}", "event", signed_event));
}
