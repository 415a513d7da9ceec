/*
 * Rooms that two users share.
 * Spec: client-server API, "Mutual Rooms" (mutual_rooms.yaml); before v1.19 MSC2666.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/identifiers.h"
#include "storage/memberships.h"
#include "storage/users.h"

enum { PAGE_ROOMS = 100, TOKEN_BYTES_MAX = 20 };

/* `m` and the number of the last room of the page before. */
static enum errcode parse_token(struct request *req, const char *token, int64_t *out)
{
    char *end = NULL;

    *out = 0;
    if (token == NULL)
        return OK;
    if (token[0] == 'm' && token[1] >= '0' && token[1] <= '9' && strlen(token) <= TOKEN_BYTES_MAX)
        *out = strtoll(token + 1, &end, 10);
    if (end == NULL || *end != '\0')
        return fail(&req->error, M_INVALID_PARAM, "`from` is no token of this server.");
    return OK;
}

static enum errcode respond_mutual(struct request *req, const char *from)
{
    struct mutual_query query = {.user_nid = req->requester.user_nid, .limit = PAGE_ROOMS + 1};
    const char *user_id = query_string(req, "user_id");
    struct mutual_room *rooms;
    int64_t total;
    size_t count;

    if (!user_id_is_compliant(user_id) || strcmp(user_id, req->requester.user_id) == 0)
        return fail(&req->error, M_INVALID_PARAM, "user_id must be the ID of another user.");
    TRY(parse_token(req, from, &query.after_room_nid));
    enum errcode found = user_nid_find(req->call.db, req->call.arena, user_id, &query.other_nid);
    if (found == M_NOT_FOUND)
        return respond(req, 200, json_pack("{s:[], s:i}", "joined", "count", 0));
    TRY(found);
    TRY(memberships_mutual(req->call.db, req->call.arena, &query, &rooms, &count));
    TRY(memberships_mutual_count(req->call.db, req->call.arena, query.user_nid, query.other_nid,
                                 &total));
    json_t *joined = json_array();
    for (size_t i = 0; i < count && i < PAGE_ROOMS; i++)
        json_array_append_new(joined, json_string(rooms[i].room_id));
    json_t *answer = json_pack("{so, sI}", "joined", joined, "count", (json_int_t)total);
    if (count > PAGE_ROOMS) {
        const char *token =
            arena_printf(req->call.arena, "m%" PRId64, rooms[PAGE_ROOMS - 1].room_nid);
        json_object_set_new(answer, "next_batch", json_string(token));
        json_object_set_new(answer, "next_batch_token", json_string(token));
    }
    return respond(req, 200, answer);
}

/* GET /_matrix/client/v1/mutual_rooms */
enum errcode client_get_mutual_rooms(struct request *req)
{
    return respond_mutual(req, query_string(req, "from"));
}

/* GET /_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms */
enum errcode client_get_mutual_rooms_unstable(struct request *req)
{
    return respond_mutual(req, query_string(req, "batch_token"));
}
