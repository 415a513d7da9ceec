/* Spec: client-server API, "Filtering" (filter.yaml). */
#include "homeserver/protocol/filter.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/own_user.h"
#include "homeserver/http/request.h"
#include "storage/filters.h"

static enum errcode load_filter(struct request *req, const char *filter_id, const char **out)
{
    enum errcode found =
        filter_load(req->call.db, req->call.arena, req->requester.user_nid, filter_id, out);

    if (found == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "You have no filter with this ID.");
    return found;
}

/* POST /_matrix/client/v3/user/{userId}/filter */
enum errcode client_define_filter(struct request *req)
{
    const struct filter *filter;
    const char *filter_id;
    const char *bytes;
    enum errcode saved;
    size_t size;

    TRY(path_own_user(req, "Filters can only be made for yourself."));
    bytes = request_body_bytes(req, &size);
    if (size > FILTER_BYTES_MAX)
        return fail(&req->error, M_TOO_LARGE, "A filter is limited to %d bytes.", FILTER_BYTES_MAX);
    TRY(filter_parse(req->call.arena, request_body(req), &req->error, &filter));
    saved = filter_save(req->call.db, req->call.arena, req->requester.user_nid,
                        arena_strndup(req->call.arena, bytes, size), &filter_id);
    if (saved == M_RESOURCE_LIMIT_EXCEEDED)
        return fail(&req->error, saved, "You have %d filters; there can not be more.",
                    FILTERS_PER_USER_MAX);
    TRY(saved);
    return respond(req, 200, json_pack("{s:s}", "filter_id", filter_id));
}

/* GET /_matrix/client/v3/user/{userId}/filter/{filterId} */
enum errcode client_get_filter(struct request *req)
{
    const char *filter_id;
    const char *content;

    TRY(path_own_user(req, "You can only read your own filters."));
    TRY(path_string(req, "filterId", &filter_id));
    TRY(load_filter(req, filter_id, &content));
    return respond_bytes(req, 200, "application/json", strdup(content), strlen(content));
}
