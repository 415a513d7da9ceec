/* Spec: client-server API, "Banning users in a room" (banning.yaml). */
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/room_membership.h"
#include "homeserver/rooms/room_state.h"

/* POST /_matrix/client/v3/rooms/{roomId}/ban */
enum errcode client_ban(struct request *req)
{
    return change_membership_of_user(req, "ban");
}

/* Unbanning somebody who is not banned would be a kick. */
static enum errcode check_banned(struct request *req)
{
    const char *room_id, *user_id, *membership, *own;
    struct room_head *head;
    struct room *room;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(body_string(req, "user_id", &user_id));
    TRY(room_open(&req->call, room_id, &room));
    TRY(room_committed_head(&req->call, room, &head));
    /* Who is banned is the room's affair. */
    TRY(room_head_membership(&req->call, room, head, req->requester.user_id, &own));
    if (own == NULL || strcmp(own, "join") != 0)
        return fail(&req->error, M_FORBIDDEN, "You are not in this room.");
    TRY(room_head_membership(&req->call, room, head, user_id, &membership));
    if (membership == NULL || strcmp(membership, "ban") != 0)
        return fail(&req->error, M_BAD_STATE, "%s is not banned from this room.", user_id);
    return OK;
}

/* POST /_matrix/client/v3/rooms/{roomId}/unban */
enum errcode client_unban(struct request *req)
{
    TRY(check_banned(req));
    return change_membership_of_user(req, "leave");
}
