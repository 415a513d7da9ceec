/*
 * Requests for a validation mail. `id_server` and `id_access_token` are ignored, as the spec says
 * for a server that validates addresses itself.
 */
#include "homeserver/client_api/threepid_request.h"

#include "homeserver/client_api/request_domain.h"
#include "homeserver/http/request.h"

enum errcode respond_email_validation(struct request *req, enum email_purpose purpose)
{
    struct email_request request = {.purpose = purpose, .domain = request_domain(req)};
    const json_t *send_attempt = json_object_get(request_body(req), "send_attempt");
    const char *sid;

    TRY(body_string(req, "client_secret", &request.client_secret));
    TRY(body_string(req, "email", &request.address));
    TRY(body_string_optional(req, "next_link", &request.next_link));
    if (send_attempt == NULL)
        return fail(&req->error, M_MISSING_PARAM, "\"send_attempt\" is missing.");
    TRY(body_int_optional(req, "send_attempt", 1, &request.send_attempt));
    if (request.send_attempt < 1)
        return fail(&req->error, M_INVALID_PARAM, "\"send_attempt\" counts from 1.");
    TRY(email_request_validation(&req->call, &request, &sid));
    return respond(req, 200, json_pack("{s:s}", "sid", sid));
}

enum errcode refuse_phone_validation(struct request *req)
{
    static const char *const members[] = {"client_secret", "country", "phone_number"};

    for (size_t i = 0; i < COUNT_OF(members); i++) {
        const char *text;
        TRY(body_string(req, members[i], &text));
    }
    return fail(&req->error, M_THREEPID_MEDIUM_NOT_SUPPORTED,
                "This server does not validate phone numbers.");
}
