/* Spec: client-server API, "Knocking on rooms" (knocking.yaml). */
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/room_membership.h"

/* POST /_matrix/client/v3/knock/{roomIdOrAlias} */
enum errcode client_knock_room(struct request *req)
{
    const char *room_id;

    TRY(room_by_id_or_alias(req, &room_id));
    TRY(change_own_membership(req, room_id, "knock"));
    return respond(req, 200, json_pack("{ss}", "room_id", room_id));
}
