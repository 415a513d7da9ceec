/*
 * The addresses of an account.
 * Spec: client-server API, "Adding Account Administrative Contact Information"
 * (administrative_contact.yaml).
 */
#include <string.h>

#include "homeserver/base/clock.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/client_uia.h"
#include "homeserver/client_api/threepid_request.h"
#include "homeserver/http/request.h"
#include "homeserver/identity/identity_bindings.h"
#include "homeserver/protocol/json.h"
#include "storage/threepids.h"

/* GET /_matrix/client/v3/account/3pid */
enum errcode client_get_account3_pids(struct request *req)
{
    const struct threepid *threepids;
    json_t *list;
    size_t count;

    TRY(threepids_load(req->call.db, req->call.arena, req->requester.user_nid, &threepids, &count));
    list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I}", "medium", threepids[i].medium,
                                              "address", threepids[i].address, "validated_at",
                                              (json_int_t)threepids[i].validated_ts, "added_at",
                                              (json_int_t)threepids[i].added_ts));
    return respond(req, 200, json_pack("{s:o}", "threepids", list));
}

/* Both must be there before anybody is asked for a password. */
static enum errcode check_credentials(struct request *req)
{
    const char *sid, *client_secret;

    if (json_object_get(request_body(req), "auth") != NULL)
        return OK;
    TRY(body_string(req, "sid", &sid));
    TRY(body_string(req, "client_secret", &client_secret));
    return client_secret_check(&req->call, client_secret);
}

static enum errcode add_address(struct request *req, const json_t *body)
{
    const char *sid, *client_secret;
    struct threepid email;

    TRY(json_require_string(body, "sid", &req->error, &sid));
    TRY(json_require_string(body, "client_secret", &req->error, &client_secret));
    TRY(email_take_proof(&req->call, EMAIL_FOR_ACCOUNT, sid, client_secret, &email));
    email.added_ts = clock_wall_ms();
    return threepid_insert(req->call.db, req->requester.user_nid, &email);
}

/* POST /_matrix/client/v3/account/3pid/add */
enum errcode client_add3_pid(struct request *req)
{
    struct uia_outcome uia;

    TRY(check_credentials(req));
    TRY(client_uia_authorise(req, &client_uia_password, &uia));
    if (uia.challenge != NULL)
        return client_uia_challenge(req, &uia);
    TRY(add_address(req, uia.body));
    TRY(uia_finish(&req->call, &uia));
    return respond_empty(req);
}

/* POST /_matrix/client/v3/account/3pid/email/requestToken */
enum errcode client_request_token_to3_pid_email(struct request *req)
{
    return respond_email_validation(req, EMAIL_FOR_ACCOUNT);
}

/* POST /_matrix/client/v3/account/3pid/msisdn/requestToken */
enum errcode client_request_token_to3_pid_msisdn(struct request *req)
{
    return refuse_phone_validation(req);
}

static enum errcode read_address(struct request *req, struct identity_address *out)
{
    TRY(body_string(req, "medium", &out->medium));
    TRY(body_string(req, "address", &out->text));
    if (strcmp(out->medium, "email") == 0)
        TRY(email_canonical(&req->call, out->text, &out->text));
    return OK;
}

static enum errcode unbind(struct request *req, const struct identity_address *address)
{
    const struct identity_owner owner = {req->requester.user_nid, req->requester.user_id};
    const char *id_server, *result;

    TRY(body_string_optional(req, "id_server", &id_server));
    TRY(identity_unbind(&req->call, &owner, id_server, address, &result));
    return respond(req, 200, json_pack("{s:s}", "id_server_unbind_result", result));
}

/* POST /_matrix/client/v3/account/3pid/delete */
enum errcode client_delete3pid_from_account(struct request *req)
{
    struct identity_address address;
    enum errcode code;

    TRY(read_address(req, &address));
    code = threepid_delete(req->call.db, req->requester.user_nid, address.medium, address.text);
    if (code == M_NOT_FOUND)
        return fail(&req->error, M_THREEPID_NOT_FOUND, "Your account does not have this address.");
    TRY(code);
    return unbind(req, &address);
}

static enum errcode read_credential(struct request *req, const json_t *credentials,
                                    const char *name, const char **out)
{
    *out = json_get_string(credentials, name);
    return *out != NULL ? OK : fail(&req->error, M_MISSING_PARAM, "\"%s\" is missing.", name);
}

static enum errcode bind(struct request *req, const json_t *credentials)
{
    const struct identity_owner owner = {req->requester.user_nid, req->requester.user_id};
    const char *sid, *client_secret;
    struct identity_server server;
    json_t *answer;

    TRY(read_credential(req, credentials, "client_secret", &client_secret));
    TRY(read_credential(req, credentials, "id_server", &server.name));
    TRY(read_credential(req, credentials, "id_access_token", &server.access_token));
    TRY(read_credential(req, credentials, "sid", &sid));
    TRY(identity_bind(&req->call, &owner, &server, sid, client_secret, &answer));
    return respond_empty(req);
}

/* POST /_matrix/client/v3/account/3pid/bind */
enum errcode client_bind3_pid(struct request *req)
{
    return bind(req, request_body(req));
}

/* POST /_matrix/client/v3/account/3pid: deprecated, the same as …/bind. It never adds an address to
 * the account, since that would let a stolen access token choose a new password by mail. */
enum errcode client_post3_pids(struct request *req)
{
    json_t *credentials = json_get_object(request_body(req), "three_pid_creds");

    if (credentials == NULL) /* the name before r0.6, still sent */
        credentials = json_get_object(request_body(req), "threePidCreds");
    if (credentials == NULL)
        return fail(&req->error, M_MISSING_PARAM, "\"three_pid_creds\" is missing.");
    return bind(req, credentials);
}

/* POST /_matrix/client/v3/account/3pid/unbind */
enum errcode client_unbind3pid_from_account(struct request *req)
{
    struct identity_address address;

    TRY(read_address(req, &address));
    return unbind(req, &address);
}
