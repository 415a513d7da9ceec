/*
 * The published rooms of this server, for other servers: only when the administrator wants that.
 * Spec: server-server API, "Public Room Directory" (public_rooms.yaml).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "federation/api/federation_api.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/utf8.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/room_summary_json.h"
#include "homeserver/services.h"
#include "storage/room_directory.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 500, TERM_BYTES_MAX = 1000, ROOM_TYPES_MAX = 100 };

/* `f12_345`: what comes after the room 345 with 12 members. */
static enum errcode parse_token(struct request *req, const char *token, struct directory_query *out)
{
    int end = 0;

    out->place = DIRECTORY_START;
    if (token == NULL)
        return OK;
    if (*token != 'f' || strlen(token) > 42 ||
        sscanf(token + 1, "%19" SCNd64 "_%19" SCNd64 "%n", &out->place.joined_members,
               &out->place.room_nid, &end) != 2 ||
        token[1 + end] != '\0')
        return fail(&req->error, M_INVALID_PARAM, "`since` is no token of this server.");
    return OK;
}

static enum errcode respond_page(struct request *req, struct directory_query *query)
{
    struct room_summary *rooms;
    json_t *chunk = json_on_arena(req->call.arena, json_array());
    size_t count;

    if (!config_current(req->call.services->config)->rooms.publish_room_list_over_federation)
        return respond(req, 200,
                       json_pack("{sO,si}", "chunk", chunk, "total_room_count_estimate", 0));
    query->limit++;
    TRY(room_directory_list(req->call.db, req->call.arena, query, &rooms, &count));
    bool has_more = count == (size_t)query->limit;
    count -= has_more ? 1 : 0;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(chunk, public_room_json(&rooms[i]));
    json_t *answer = json_pack("{sO}", "chunk", chunk);
    if (has_more)
        json_object_set_new(
            answer, "next_batch",
            json_string(arena_printf(req->call.arena, "f%" PRId64 "_%" PRId64,
                                     rooms[count - 1].joined_members, rooms[count - 1].room_nid)));
    return respond(req, 200, answer);
}

/* GET /_matrix/federation/v1/publicRooms */
enum errcode federation_get_public_rooms(struct request *req)
{
    struct directory_query query = {0};

    TRY(query_int(req, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX, &query.limit));
    TRY(parse_token(req, query_string(req, "since"), &query));
    return respond_page(req, &query);
}

static enum errcode read_filter(struct request *req, struct directory_query *out)
{
    json_t *filter, *types, *type;
    size_t length, i;

    TRY(body_object_optional(req, "filter", &filter));
    const char *term = json_get_string(filter, "generic_search_term");
    if (term != NULL && strlen(term) > TERM_BYTES_MAX)
        return fail(&req->error, M_INVALID_PARAM, "The search term is too long.");
    if (term != NULL && *term != '\0')
        out->term = utf8_casefold(req->call.arena, term, strlen(term), &length);
    types = json_get_array(filter, "room_types");
    if (types == NULL)
        return OK;
    if (json_array_size(types) > ROOM_TYPES_MAX)
        return fail(&req->error, M_INVALID_PARAM, "filter.room_types must be a short list.");
    const char **texts = ARENA_ARRAY(req->call.arena, json_array_size(types), const char *);
    json_array_foreach (types, i, type)
        texts[i] = json_text(type);
    out->by_type = true;
    out->room_types = texts;
    out->room_type_count = json_array_size(types);
    return OK;
}

/* POST /_matrix/federation/v1/publicRooms */
enum errcode federation_query_public_rooms(struct request *req)
{
    struct directory_query query = {0};
    const char *since;

    TRY(body_int_optional(req, "limit", LIMIT_DEFAULT, &query.limit));
    if (query.limit < 1 || query.limit > LIMIT_MAX)
        query.limit = query.limit < 1 ? 1 : LIMIT_MAX;
    TRY(body_string_optional(req, "since", &since));
    TRY(parse_token(req, since, &query));
    TRY(read_filter(req, &query));
    return respond_page(req, &query);
}
