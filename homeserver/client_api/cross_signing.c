/* Spec: client-server API, "Cross-signing" (cross_signing.yaml). */
#include "homeserver/encryption/cross_signing.h"

#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/client_uia.h"
#include "homeserver/encryption/signature_upload.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"

/* Checked also where it is not needed: a mistake is better told than passed over. */
static enum errcode check_auth_form(struct request *req)
{
    static const char *const texts[] = {"type", "session"};
    json_t *auth;

    TRY(body_object_optional(req, "auth", &auth));
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (json_object_get(auth, texts[i]) != NULL && json_get_string(auth, texts[i]) == NULL)
            return fail(&req->error, M_BAD_JSON, "auth.%s must be a text.", texts[i]);
    }
    return OK;
}

/* Without authentication: application services, and what replaces nothing, so that a request whose
 * answer was lost may be repeated as it was. Who has begun to authenticate and sends nothing else
 * goes on with that. */
static enum errcode authorise_upload(struct request *req, struct uia_outcome *out)
{
    json_t *body = request_body(req);
    bool has_begun = json_get_string(json_get_object(body, "auth"), "session") != NULL;
    bool is_harmless = false;

    if (!has_begun || json_object_size(body) > 1)
        TRY(cross_signing_upload_is_harmless(&req->call, &req->requester, body, &is_harmless));
    if (is_harmless || req->requester.appservice_id != NULL) {
        *out = (struct uia_outcome){.body = body};
        return OK;
    }
    return client_uia_authorise(req, &client_uia_password, out);
}

/* POST /_matrix/client/v3/keys/device_signing/upload */
enum errcode client_upload_cross_signing_keys(struct request *req)
{
    struct uia_outcome uia;

    TRY(check_auth_form(req));
    TRY(authorise_upload(req, &uia));
    if (uia.challenge != NULL)
        return client_uia_challenge(req, &uia);
    TRY(cross_signing_upload(&req->call, &req->requester, uia.body));
    TRY(uia_finish(&req->call, &uia));
    return respond_empty(req);
}

/* POST /_matrix/client/v3/keys/signatures/upload */
enum errcode client_upload_cross_signing_signatures(struct request *req)
{
    json_t *failures;

    TRY(signatures_upload(&req->call, &req->requester, request_body(req), &failures));
    return respond(req, 200, json_pack("{s:O}", "failures", failures));
}
