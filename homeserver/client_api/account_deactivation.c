/* Spec: client-server API, "Account deactivation" (account_deactivation.yaml). */
#include "homeserver/accounts/deactivation.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/client_uia.h"
#include "homeserver/http/request.h"
#include "homeserver/identity/identity_bindings.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/membership.h"

/* POST /_matrix/client/v3/account/deactivate */
enum errcode client_deactivate_account(struct request *req)
{
    const struct identity_owner owner = {req->requester.user_nid, req->requester.user_id};
    struct uia_outcome uia;
    const char *unbound;
    bool erase;

    if (req->requester.user_id == NULL)
        return M_MISSING_TOKEN;
    TRY(body_bool_optional(req, "erase", false, &erase));
    TRY(client_uia_authorise(req, &client_uia_password, &uia));
    if (uia.challenge != NULL)
        return client_uia_challenge(req, &uia);

    TRY(identity_unbind_all(&req->call, &owner, json_get_string(uia.body, "id_server"), &unbound));
    /* The rooms first: should it fail half-way, the user is still there to try again. */
    TRY(rooms_leave_all(&req->call, &req->requester));
    TRY(account_end(&req->call, req->requester.user_nid, json_get_bool(uia.body, "erase", false)));
    TRY(uia_finish(&req->call, &uia));
    return respond(req, 200, json_pack("{s:s}", "id_server_unbind_result", unbound));
}
