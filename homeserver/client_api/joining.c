/* Spec: client-server API, "Joining rooms" (joining.yaml). */
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/room_membership.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/upgrade_room.h"

/* Spec: `third_party_signed`, the proof that an invite to an address was meant for this user. */
static enum errcode check_third_party_signed(struct request *req)
{
    static const char *const texts[] = {"sender", "mxid", "token"};
    json_t *proof;

    TRY(body_object_optional(req, "third_party_signed", &proof));
    if (proof == NULL)
        return OK;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (json_get_string(proof, texts[i]) == NULL)
            return fail(&req->error, M_BAD_JSON, "third_party_signed needs a text as %s.",
                        texts[i]);
    }
    if (json_get_object(proof, "signatures") == NULL)
        return fail(&req->error, M_BAD_JSON, "third_party_signed needs signatures.");
    return OK;
}

static enum errcode join(struct request *req, const struct room_target *target)
{
    struct room *room;

    TRY(check_third_party_signed(req));
    TRY(change_own_membership(req, target, "join"));
    TRY(room_open(&req->call, target->room_id, &room));
    TRY(room_carry_over(&req->call, room, &req->requester));
    return respond(req, 200, json_pack("{ss}", "room_id", target->room_id));
}

/* POST /_matrix/client/v3/rooms/{roomId}/join */
enum errcode client_join_room_by_id(struct request *req)
{
    struct room_target target = {0};

    TRY(path_room_id(req, "roomId", &target.room_id));
    return join(req, &target);
}

/* POST /_matrix/client/v3/join/{roomIdOrAlias} */
enum errcode client_join_room(struct request *req)
{
    struct room_target target;

    TRY(room_target_by_id_or_alias(req, &target));
    return join(req, &target);
}
