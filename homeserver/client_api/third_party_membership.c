/*
 * Inviting people whose Matrix ID the client does not know; the route is that of inviting.c.
 * Spec: client-server API, "Third-party invites" (third_party_membership.yaml).
 */
#include "homeserver/client_api/third_party_membership.h"

#include <string.h>

#include "federation/membership/third_party_invite.h"
#include "homeserver/accounts/threepids.h"
#include "homeserver/client_api/room_membership.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/membership.h"

static enum errcode read_invite(struct request *req, const json_t *invite,
                                struct invite_by_address *out)
{
    struct identity_address *address = &out->address;

    TRY(json_require_string(invite, "id_server", &req->error, &out->server.name));
    TRY(json_require_string(invite, "id_access_token", &req->error, &out->server.access_token));
    TRY(json_require_string(invite, "medium", &req->error, &address->medium));
    TRY(json_require_string(invite, "address", &req->error, &address->text));
    TRY(identity_server_check(&req->call, out->server.name));
    if (strcmp(address->medium, "email") != 0)
        return fail(&req->error, M_THREEPID_MEDIUM_NOT_SUPPORTED,
                    "Only e-mail addresses can be invited.");
    return email_canonical(&req->call, address->text, &address->text);
}

enum errcode check_invite_by_address(struct request *req, const json_t *invite)
{
    struct invite_by_address unused = {0};

    return read_invite(req, invite, &unused);
}

enum errcode invite_by_address(struct request *req, const char *room_id, const json_t *invite)
{
    struct invite_by_address wanted = {.requester = &req->requester, .room_id = room_id};
    struct membership_change change = {.requester = &req->requester, .membership = "invite"};

    TRY(read_invite(req, invite, &wanted));
    TRY(third_party_invite_send(&req->call, &wanted, &change.target));
    if (change.target == NULL)
        return OK;
    change.reason = json_get_string(invite, "reason");
    return invite_user(req, room_id, &change);
}
