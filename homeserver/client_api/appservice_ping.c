/* Spec: application service API, "Pinging" (appservice_ping.yaml). */
#include <string.h>

#include "homeserver/appservice/appservice_call.h"
#include "homeserver/appservice/delivery.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/services.h"

/* POST /_matrix/client/v1/appservice/{appserviceId}/ping */
enum errcode client_ping_appservice(struct request *req)
{
    const struct appservice_set *set = appservices_current(req->call.services->appservices);
    const char *id, *transaction_id;
    int64_t duration_ms;

    TRY(path_string(req, "appserviceId", &id));
    TRY(body_string_optional(req, "transaction_id", &transaction_id));
    const struct appservice *appservice = appservice_by_id(set, id);
    if (appservice == NULL || strcmp(id, req->requester.appservice_id) != 0)
        return fail(&req->error, M_FORBIDDEN, "The token belongs to another application service.");
    TRY(appservice_ping(&req->call, appservice, transaction_id, &duration_ms));
    appservice_delivery_retry(req->call.services->appservice_delivery, id);
    return respond(req, 200, json_pack("{s:I}", "duration_ms", (json_int_t)duration_ms));
}
