/* Spec: client-server API, "Well-known URIs" (wellknown.yaml). */
#include "config/config.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/request_domain.h"
#include "homeserver/client_api/rtc_transports.h"
#include "homeserver/http/request.h"

/* GET /.well-known/matrix/client */
enum errcode client_get_wellknown(struct request *req)
{
    json_t *answer = json_pack("{s:{s:s}}", "m.homeserver", "base_url",
                               request_client_base_url(req, request_domain(req)));
    json_t *transports = rtc_transports(req);

    /* MSC4143: what Element Call looks at when the server has no other way to tell. */
    if (json_array_size(transports) > 0)
        json_object_set(answer, "org.matrix.msc4143.rtc_foci", transports);
    json_decref(transports);
    return respond(req, 200, answer);
}
