/* Spec: client-server API, "Password management" (password_management.yaml). */
#include "homeserver/accounts/mailer.h"
#include "homeserver/accounts/password_hash.h"
#include "homeserver/accounts/sessions.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/client_uia.h"
#include "homeserver/client_api/threepid_request.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "storage/accounts.h"

static const struct uia_flow by_password = {{"m.login.password"}};
static const struct uia_flow by_email = {{"m.login.email.identity"}};

/* Who is not logged in proves by the address of the account who they are. */
static size_t make_flows(const struct request *req, struct uia_flow *flows)
{
    size_t count = 0;

    if (req->requester.user_id != NULL)
        flows[count++] = by_password;
    if (mailer_is_on(&req->call))
        flows[count++] = by_email;
    return count;
}

/* Ends the sessions unless the client says otherwise; the one that asks stays. */
static enum errcode change_password(struct request *req, const struct uia_outcome *uia)
{
    const char *hash = json_get_string(uia->proofs, UIA_PROOF_SECRET_HASH);
    const char *device_id = req->requester.user_id != NULL ? req->requester.device_id : NULL;
    int64_t user_nid;

    if (hash == NULL)
        return fail(&req->error, M_MISSING_PARAM, "The new password is missing.");
    if (!json_get_int(uia->proofs, UIA_PROOF_USER_NID, &user_nid))
        return E_SYSTEM; /* every flow proves it */
    TRY(account_set_password(req->call.db, user_nid, hash));
    if (json_get_bool(uia->body, "logout_devices", true))
        TRY(session_end_all(&req->call, user_nid, device_id));
    return OK;
}

/* POST /_matrix/client/v3/account/password */
enum errcode client_change_password(struct request *req)
{
    struct uia_flow flows[2];
    const struct client_uia authentication = {
        .flows = flows, .flow_count = make_flows(req, flows), .secret_member = "new_password"};
    const char *new_password;
    struct uia_outcome uia;

    if (authentication.flow_count == 0)
        return M_MISSING_TOKEN;
    TRY(body_string_optional(req, "new_password", &new_password));
    if (new_password != NULL)
        TRY(password_check_new(&req->call, new_password));

    TRY(client_uia_authorise(req, &authentication, &uia));
    if (uia.challenge != NULL)
        return client_uia_challenge(req, &uia);

    TRY(change_password(req, &uia));
    TRY(uia_finish(&req->call, &uia));
    return respond_empty(req);
}

/* POST /_matrix/client/v3/account/password/email/requestToken */
enum errcode client_request_token_to_reset_password_email(struct request *req)
{
    return respond_email_validation(req, EMAIL_FOR_PASSWORD);
}

/* POST /_matrix/client/v3/account/password/msisdn/requestToken */
enum errcode client_request_token_to_reset_password_msisdn(struct request *req)
{
    return refuse_phone_validation(req);
}
