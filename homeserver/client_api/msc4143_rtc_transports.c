/* Where clients find the service for calls of many people. Spec: MSC4143. */
#include "config/config.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/rtc_transports.h"
#include "homeserver/http/request.h"
#include "homeserver/services.h"

json_t *rtc_transports(struct request *req)
{
    const struct config_calls *calls = &config_current(req->call.services->config)->calls;

    if (calls->livekit_service_url == NULL)
        return json_array();
    return json_pack("[{ss, ss}]", "type", "livekit", "livekit_service_url",
                     calls->livekit_service_url);
}

/* GET /_matrix/client/unstable/org.matrix.msc4143/rtc/transports */
enum errcode client_get_rtc_transports(struct request *req)
{
    return respond(req, 200, json_pack("{so}", "rtc_transports", rtc_transports(req)));
}
