/* Spec: server-server API, "Leaving Rooms" (leaving-v1.yaml). */
#include "federation/api/federation_api.h"
#include "federation/api/membership_request.h"
#include "homeserver/http/request.h"

/* GET /_matrix/federation/v1/make_leave/{roomId}/{userId} */
enum errcode federation_make_leave(struct request *req)
{
    return respond_membership_template(req, "leave");
}

/* PUT /_matrix/federation/v1/send_leave/{roomId}/{eventId}: deprecated. */
enum errcode federation_send_leave_v1(struct request *req)
{
    struct handshake_event event;
    struct server_view view;

    TRY(receive_membership_event(req, "leave", &view, &event));
    return respond(req, 200, json_pack("[i,{}]", 200));
}
