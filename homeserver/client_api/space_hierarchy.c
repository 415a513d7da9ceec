/*
 * The rooms below a space.
 * Spec: client-server API, "Spaces" (space_hierarchy.yaml).
 */
#include "homeserver/rooms/space_hierarchy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/rooms/room_summary_json.h"

enum { LIMIT_DEFAULT = 20, LIMIT_MAX = 50, DEPTH_MAX = 50, TOKEN_BYTES_MAX = 24 };

/* `h<max_depth>_<suggested_only>_<rooms so far>`: the walk is repeated up to there, so no token
 * goes stale, and the parameters that may not change are in it. */
static const char *format_token(struct arena *arena, const struct hierarchy_query *query,
                                size_t seen)
{
    return arena_printf(arena, "h%" PRId64 "_%d_%zu", query->max_depth, query->suggested_only,
                        seen);
}

static enum errcode read_token(struct request *req, struct hierarchy_query *query)
{
    const char *from = query_string(req, "from");
    int64_t max_depth, seen;
    int suggested, end = 0;

    if (from == NULL)
        return OK;
    if (strlen(from) > TOKEN_BYTES_MAX ||
        sscanf(from, "h%3" SCNd64 "_%1d_%6" SCNd64 "%n", &max_depth, &suggested, &seen, &end) !=
            3 ||
        from[end] != '\0' || seen < 0)
        return fail(&req->error, M_INVALID_PARAM, "`from` is no token of this server.");
    if (max_depth != query->max_depth || (suggested != 0) != query->suggested_only)
        return fail(&req->error, M_INVALID_PARAM,
                    "max_depth and suggested_only can not change from page to page.");
    query->skip = (size_t)seen;
    return OK;
}

static enum errcode read_query(struct request *req, struct hierarchy_query *out)
{
    int64_t limit;

    *out = (struct hierarchy_query){.origin = req->requester.server_name,
                                    .user_nid = req->requester.user_nid};
    TRY(path_room_id(req, "roomId", &out->root));
    TRY(query_bool(req, "suggested_only", false, &out->suggested_only));
    TRY(query_int(req, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX, &limit));
    TRY(query_int(req, "max_depth", DEPTH_MAX, 0, DEPTH_MAX, &out->max_depth));
    out->limit = (size_t)limit;
    return read_token(req, out);
}

/* GET /_matrix/client/v1/rooms/{roomId}/hierarchy */
enum errcode client_get_space_hierarchy(struct request *req)
{
    struct hierarchy_query query;
    struct hierarchy_page page;

    TRY(read_query(req, &query));
    TRY(hierarchy_walk(&req->call, &query, &page));
    json_t *rooms = json_array();
    for (size_t i = 0; i < page.count; i++) {
        json_t *room = room_summary_json(page.rooms[i].summary);
        json_object_set(room, "children_state", page.rooms[i].children_state);
        json_array_append_new(rooms, room);
    }
    json_t *answer = json_pack("{so}", "rooms", rooms);
    if (page.has_more)
        json_object_set_new(
            answer, "next_batch",
            json_string(format_token(req->call.arena, &query, query.skip + page.count)));
    return respond(req, 200, answer);
}
