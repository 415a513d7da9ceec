/* Spec: server-server API, "Leaving Rooms" (leaving-v2.yaml). */
#include "federation/api/federation_api.h"
#include "federation/api/membership_request.h"

/* PUT /_matrix/federation/v2/send_leave/{roomId}/{eventId} */
enum errcode federation_send_leave_v2(struct request *req)
{
    struct handshake_event event;
    struct server_view view;

    TRY(receive_membership_event(req, "leave", &view, &event));
    return respond_empty(req);
}
