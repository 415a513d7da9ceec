/* Spec: client-server API, "Joining rooms" (joining.yaml). */
#include <string.h>

#include "federation/membership/third_party_invite.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/room_membership.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/upgrade_room.h"
#include "storage/journal.h"

/* Spec: `third_party_signed` proves that an invite to an address was meant for this user: it
 * becomes an invite, and that is followed. */
static enum errcode redeem_third_party_signed(struct request *req, const char *room_id)
{
    struct third_party_proof proof;
    json_t *signed_object;

    TRY(body_object_optional(req, "third_party_signed", &signed_object));
    if (signed_object == NULL)
        return OK;
    TRY(third_party_proof_read(&req->call, signed_object, NULL, &proof));
    if (strcmp(proof.mxid, req->requester.user_id) != 0)
        return fail(&req->error, M_FORBIDDEN, "The invite is for %.200s.", proof.mxid);
    TRY(third_party_invite_redeem(&req->call, room_id, &proof));
    return commit_group_wait(req->call.commits);
}

static enum errcode join(struct request *req, const struct room_target *target)
{
    struct room *room;

    TRY(redeem_third_party_signed(req, target->room_id));
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
