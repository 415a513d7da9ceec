/* Spec: server-server API, "Knocking upon a room" (knocks.yaml). */
#include "federation/api/federation_api.h"
#include "federation/api/membership_request.h"
#include "homeserver/rooms/stripped_state.h"

/* GET /_matrix/federation/v1/make_knock/{roomId}/{userId} */
enum errcode federation_make_knock(struct request *req)
{
    return respond_membership_template(req, "knock");
}

/* PUT /_matrix/federation/v1/send_knock/{roomId}/{eventId} */
enum errcode federation_send_knock(struct request *req)
{
    struct handshake_event event;
    struct server_view view;
    json_t *state;

    TRY(receive_membership_event(req, "knock", &view, &event));
    TRY(stripped_state_for_servers(&req->call, view.head, NULL, &state));
    return respond(req, 200, json_pack("{sO}", "knock_room_state", state));
}
