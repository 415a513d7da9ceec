/* Spec: client-server API, "Logout" (logout.yaml). */
#include "homeserver/accounts/sessions.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"

/* POST /_matrix/client/v3/logout */
enum errcode client_logout(struct request *req)
{
    /* An application service that acts for itself has no session to end. */
    if (req->requester.device_id != NULL)
        TRY(session_end_device(&req->call, req->requester.user_nid, req->requester.device_id));
    return respond_empty(req);
}

/* POST /_matrix/client/v3/logout/all */
enum errcode client_logout_all(struct request *req)
{
    TRY(session_end_all(&req->call, req->requester.user_nid, NULL));
    return respond_empty(req);
}
