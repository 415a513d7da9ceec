/* Spec: server-server API, "Leaving Rooms" (leaving-v1.yaml). */
#include "federation/api/federation_api.h"
#include "federation/api/membership_request.h"

/* GET /_matrix/federation/v1/make_leave/{roomId}/{userId} */
enum errcode federation_make_leave(struct request *req)
{
    return respond_membership_template(req, "leave");
}
