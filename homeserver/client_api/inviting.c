/* Spec: client-server API, "Joining rooms" (inviting.yaml). */
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/room_membership.h"

/* Invites to addresses need an identity server, and this server trusts none. */
static enum errcode invite_by_threepid(struct request *req)
{
    static const char *const members[] = {"id_server", "id_access_token", "medium", "address"};

    for (size_t i = 0; i < COUNT_OF(members); i++) {
        const char *text;
        TRY(body_string(req, members[i], &text));
    }
    return fail(&req->error, M_THREEPID_DENIED,
                "This server invites people by their user ID only.");
}

/* POST /_matrix/client/v3/rooms/{roomId}/invite */
enum errcode client_invite_user(struct request *req)
{
    /* inviteBy3PID shares the path (third_party_membership.yaml). */
    if (json_object_get(request_body(req), "medium") != NULL)
        return invite_by_threepid(req);
    return change_membership_of_user(req, "invite");
}
