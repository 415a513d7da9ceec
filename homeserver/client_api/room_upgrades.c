/* Spec: client-server API, "Room Upgrades" (room_upgrades.yaml). */
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/upgrade_room.h"

enum { CREATORS_MAX = 100 };

static enum errcode read_creators(struct request *req, json_t **out)
{
    json_t *creator;
    size_t i;

    TRY(body_array_optional(req, "additional_creators", out));
    if (json_array_size(*out) > CREATORS_MAX)
        return fail(&req->error, M_INVALID_PARAM, "There can be %d additional creators.",
                    CREATORS_MAX);
    json_array_foreach (*out, i, creator) {
        if (!user_id_is_valid(json_text(creator)))
            return fail(&req->error, M_INVALID_PARAM, "additional_creators[%zu] is no user ID.", i);
    }
    return OK;
}

/* POST /_matrix/client/v3/rooms/{roomId}/upgrade */
enum errcode client_upgrade_room(struct request *req)
{
    struct room_upgrade upgrade = {.requester = &req->requester};
    const char *version, *new_room_id;

    TRY(path_room_id(req, "roomId", &upgrade.room_id));
    TRY(body_string(req, "new_version", &version));
    TRY(read_creators(req, &upgrade.additional_creators));
    upgrade.version = room_version_find(version);
    if (upgrade.version == NULL)
        return fail(&req->error, M_UNSUPPORTED_ROOM_VERSION,
                    "This server does not know the room version %.50s.", version);
    TRY(room_upgrade(&req->call, &upgrade, &new_room_id));
    return respond(req, 200, json_pack("{ss}", "replacement_room", new_room_id));
}
