/* Spec: client-server API, "Leaving rooms" (kicking.yaml). */
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/room_membership.h"

/* POST /_matrix/client/v3/rooms/{roomId}/kick */
enum errcode client_kick(struct request *req)
{
    return change_membership_of_user(req, "leave");
}
