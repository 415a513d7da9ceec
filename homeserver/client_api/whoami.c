/* Spec: client-server API, "Current account information" (whoami.yaml). */
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"

/* GET /_matrix/client/v3/account/whoami */
enum errcode client_get_token_owner(struct request *req)
{
    const struct requester *requester = &req->requester;

    return respond(req, 200,
                   json_pack("{s:s, s:s*, s:b}", "user_id", requester->user_id, "device_id",
                             requester->device_id, "is_guest", requester->is_guest));
}
