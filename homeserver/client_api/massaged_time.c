/* Spec: application service API, "Timestamp massaging". */
#include "homeserver/client_api/massaged_time.h"

#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"

enum errcode massaged_time(struct request *req, int64_t *out)
{
    int64_t ts;

    *out = 0;
    if (req->requester.appservice_id == NULL || query_string(req, "ts") == NULL)
        return OK;
    TRY(query_int(req, "ts", 0, INT64_MIN, INT64_MAX, &ts));
    if (ts < 0 || ts > JSON_SAFE_INTEGER_MAX)
        return fail(&req->error, M_INVALID_PARAM, "ts is no time in milliseconds since 1970.");
    *out = ts;
    return OK;
}
