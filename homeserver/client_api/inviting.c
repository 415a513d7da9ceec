/* Spec: client-server API, "Joining rooms" (inviting.yaml). */
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/room_membership.h"

/* POST /_matrix/client/v3/rooms/{roomId}/invite */
enum errcode client_invite_user(struct request *req)
{
    return change_membership_of_user(req, "invite");
}
