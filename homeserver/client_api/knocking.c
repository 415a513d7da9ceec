/* Spec: client-server API, "Knocking on rooms" (knocking.yaml). */
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/room_membership.h"

/* POST /_matrix/client/v3/knock/{roomIdOrAlias} */
enum errcode client_knock_room(struct request *req)
{
    struct room_target target;

    TRY(room_target_by_id_or_alias(req, &target));
    TRY(change_own_membership(req, &target, "knock"));
    return respond(req, 200, json_pack("{ss}", "room_id", target.room_id));
}
