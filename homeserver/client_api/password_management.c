/* Spec: client-server API, "Password management" (password_management.yaml). */
#include "homeserver/accounts/password_hash.h"
#include "homeserver/accounts/sessions.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/client_uia.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "storage/accounts.h"

static enum errcode change_password(struct request *req, const char *hash, bool end_sessions)
{
    int64_t user_nid = req->requester.user_nid;

    TRY(account_set_password(req->call.db, user_nid, hash));
    if (end_sessions)
        TRY(session_end_all(&req->call, user_nid, req->requester.device_id));
    return OK;
}

/* POST /_matrix/client/v3/account/password */
enum errcode client_change_password(struct request *req)
{
    const char *new_password, *hash;
    struct uia_outcome uia;

    /* Without a session the address of the account would have to prove who asks. */
    if (req->requester.user_id == NULL)
        return M_MISSING_TOKEN;
    TRY(body_string_optional(req, "new_password", &new_password));
    if (new_password != NULL)
        TRY(password_check_new(&req->call, new_password));

    TRY(client_uia_authorise(req, &client_uia_new_password, &uia));
    if (uia.challenge != NULL)
        return client_uia_challenge(req, &uia);

    hash = json_get_string(uia.proofs, UIA_PROOF_SECRET_HASH);
    if (hash == NULL)
        return fail(&req->error, M_MISSING_PARAM, "The new password is missing.");
    TRY(change_password(req, hash, json_get_bool(uia.body, "logout_devices", true)));
    TRY(uia_finish(&req->call, &uia));
    return respond_empty(req);
}
