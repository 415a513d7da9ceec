/*
 * Networks that application services bridge to. Without such services there is none.
 * Spec: client-server API, "Third-party Networks" (third_party_lookup.yaml).
 */
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"

static enum errcode refuse_protocol(struct request *req)
{
    const char *protocol;

    TRY(path_string(req, "protocol", &protocol));
    return fail(&req->error, M_NOT_FOUND, "This server has no bridge to the network %.100s.",
                protocol);
}

static enum errcode respond_nothing(struct request *req, const char *parameter)
{
    if (query_string(req, parameter) == NULL)
        return fail(&req->error, M_MISSING_PARAM, "%s is required.", parameter);
    return respond(req, 200, json_array());
}

/* GET /_matrix/client/v3/thirdparty/protocols */
enum errcode client_get_protocols(struct request *req)
{
    return respond_empty(req);
}

/* GET /_matrix/client/v3/thirdparty/protocol/{protocol} */
enum errcode client_get_protocol_metadata(struct request *req)
{
    return refuse_protocol(req);
}

/* GET /_matrix/client/v3/thirdparty/location/{protocol} */
enum errcode client_query_location_by_protocol(struct request *req)
{
    return refuse_protocol(req);
}

/* GET /_matrix/client/v3/thirdparty/user/{protocol} */
enum errcode client_query_user_by_protocol(struct request *req)
{
    return refuse_protocol(req);
}

/* GET /_matrix/client/v3/thirdparty/location */
enum errcode client_query_location_by_alias(struct request *req)
{
    return respond_nothing(req, "alias");
}

/* GET /_matrix/client/v3/thirdparty/user */
enum errcode client_query_user_by_id(struct request *req)
{
    return respond_nothing(req, "userid");
}
