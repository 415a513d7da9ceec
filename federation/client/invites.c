/* Inviting users of other servers. */
#include "federation/client/invites.h"

#include "federation/client/signed_request.h"
#include "homeserver/protocol/json.h"

enum errcode federation_send_invite(struct call *call, const struct outgoing_invite *invite,
                                    json_t **event_out)
{
    const struct federation_request request = {
        .method = "PUT",
        .origin = invite->origin,
        .destination = invite->destination,
        .target = federation_target(call->arena, "/_matrix/federation/v2/invite/%s/%s",
                                    invite->room_id, invite->event_id),
        .content = json_on_arena(
            call->arena, json_pack("{ss,sO,sO}", "room_version", invite->room_version, "event",
                                   invite->event, "invite_room_state", invite->invite_room_state)),
        .although_failing = true,
    };
    json_t *answer;

    TRY(federation_fetch(call, &request, &answer));
    *event_out = json_get_object(answer, "event");
    if (*event_out == NULL)
        return fail(call->error, E_REMOTE, "%s answered without an event", invite->destination);
    return OK;
}
