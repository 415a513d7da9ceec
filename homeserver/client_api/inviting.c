/* Spec: client-server API, "Joining rooms" (inviting.yaml). */
#include "config/config.h"
#include "homeserver/appservice/appservice_call.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/room_membership.h"
#include "homeserver/client_api/third_party_membership.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/accounts.h"

static enum errcode respond_invite_by_address(struct request *req)
{
    const char *room_id;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(invite_by_address(req, room_id, request_body(req)));
    return respond_empty(req);
}

/* A bridge makes its users when somebody wants to talk to them. */
static enum errcode offer_missing_user(struct request *req)
{
    const char *user_id = json_get_string(request_body(req), "user_id");
    const struct account *account;
    enum errcode found;

    if (!user_id_is_valid(user_id) ||
        !config_hosts_user(config_current(req->call.services->config), user_id))
        return OK;
    found = account_load(req->call.db, req->call.arena, user_id, &account);
    if (found == M_NOT_FOUND)
        (void)appservices_offer_user(&req->call, user_id); /* an invite waits for a late one */
    return found == M_NOT_FOUND ? OK : found;
}

/* POST /_matrix/client/v3/rooms/{roomId}/invite */
enum errcode client_invite_user(struct request *req)
{
    /* inviteBy3PID shares the path (third_party_membership.yaml). */
    if (json_object_get(request_body(req), "medium") != NULL)
        return respond_invite_by_address(req);
    TRY(offer_missing_user(req));
    return change_membership_of_user(req, "invite");
}
