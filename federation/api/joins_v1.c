/* Spec: server-server API, "Joining Rooms" (joins-v1.yaml). */
#include "federation/api/federation_api.h"
#include "federation/api/membership_request.h"

/* GET /_matrix/federation/v1/make_join/{roomId}/{userId} */
enum errcode federation_make_join(struct request *req)
{
    return respond_membership_template(req, "join");
}
