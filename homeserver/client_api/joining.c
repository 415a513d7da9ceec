/* Spec: client-server API, "Joining rooms" (joining.yaml). */
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/room_membership.h"

static enum errcode join(struct request *req, const char *room_id)
{
    TRY(change_own_membership(req, room_id, "join"));
    return respond(req, 200, json_pack("{ss}", "room_id", room_id));
}

/* POST /_matrix/client/v3/rooms/{roomId}/join */
enum errcode client_join_room_by_id(struct request *req)
{
    const char *room_id;

    TRY(path_room_id(req, "roomId", &room_id));
    return join(req, room_id);
}

/* POST /_matrix/client/v3/join/{roomIdOrAlias} */
enum errcode client_join_room(struct request *req)
{
    const char *room_id;

    TRY(room_by_id_or_alias(req, &room_id));
    return join(req, room_id);
}
