/*
 * The published room directory.
 * Spec: client-server API, "Published room directory" (list_public_rooms.yaml).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "federation/client/public_rooms.h"
#include "homeserver/appservice/appservice_call.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/utf8.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/server_name.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/rooms/room_summary_json.h"
#include "homeserver/services.h"
#include "storage/room_directory.h"

enum {
    LIMIT_DEFAULT = 50,
    LIMIT_MAX = 500,
    ROOM_TYPES_MAX = 100,
    TERM_BYTES_MAX = 1000,
    NETWORK_BYTES_MAX = 255
};

/* Absent stands for public. */
static enum errcode read_visibility(struct request *req, bool *listed_out)
{
    const char *visibility;

    TRY(body_string_optional(req, "visibility", &visibility));
    *listed_out = visibility == NULL || strcmp(visibility, "public") == 0;
    if (!*listed_out && strcmp(visibility, "private") != 0)
        return fail(&req->error, M_INVALID_PARAM, "visibility must be public or private.");
    return OK;
}

static enum errcode open_room(struct request *req, struct room **out)
{
    const char *room_id;

    TRY(path_room_id(req, "roomId", &room_id));
    enum errcode opened = room_open(&req->call, room_id, out);
    if (opened == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "This server does not know the room.");
    return opened;
}

/* GET /_matrix/client/v3/directory/list/room/{roomId} */
enum errcode client_get_room_visibility_on_directory(struct request *req)
{
    struct room_summary *summary;
    struct room *room;
    size_t count;

    TRY(open_room(req, &room));
    const int64_t nid = room_nid(room);
    TRY(room_summaries_load(req->call.db, req->call.arena, (struct nid_list){&nid, 1}, &summary,
                            &count));
    bool is_public = count > 0 && summary->is_published;
    return respond(req, 200, json_pack("{ss}", "visibility", is_public ? "public" : "private"));
}

/* Those who decide under which name the room is found also decide whether it is listed. */
static enum errcode check_may_publish(struct request *req, struct room *room)
{
    const char *membership, *user_id = req->requester.user_id;
    struct room_head *head;

    if (req->requester.is_admin)
        return OK;
    if (!config_current(req->call.services->config)->rooms.anyone_may_publish)
        return fail(&req->error, M_FORBIDDEN,
                    "On this server only administrators change the room directory.");
    TRY(room_committed_head(&req->call, room, &head));
    TRY(room_head_membership(&req->call, room, head, user_id, &membership));
    const struct power_levels levels = room_head_power_levels(room, head);
    if (membership != NULL && strcmp(membership, "join") == 0 &&
        power_levels_user(&levels, user_id) >=
            power_levels_send(&levels, "m.room.canonical_alias", true))
        return OK;
    return fail(&req->error, M_FORBIDDEN,
                "Only moderators of the room may change its entry in the directory.");
}

/* PUT /_matrix/client/v3/directory/list/room/{roomId} */
enum errcode client_set_room_visibility_on_directory(struct request *req)
{
    struct room *room;
    bool listed;

    TRY(read_visibility(req, &listed));
    TRY(open_room(req, &room));
    TRY(check_may_publish(req, room));
    TRY(room_publish(req->call.db, room_nid(room), listed));
    return respond_empty(req);
}

/* PUT /_matrix/client/v3/directory/list/appservice/{networkId}/{roomId}
 * Spec: application service API, "Application service room directories". */
enum errcode client_update_appservice_room_directory_visibility(struct request *req)
{
    const char *network_id, *instance_id;
    struct room *room;
    bool listed;

    TRY(path_string(req, "networkId", &network_id));
    if (strlen(network_id) > NETWORK_BYTES_MAX)
        return fail(&req->error, M_INVALID_PARAM, "The ID of the network is too long.");
    TRY(read_visibility(req, &listed));
    TRY(open_room(req, &room));
    instance_id = network_instance_id(req->call.arena, req->requester.appservice_id, network_id);
    TRY(room_publish_on_network(req->call.db, room_nid(room), instance_id, listed));
    return respond_empty(req);
}

/* A token is a direction and a place: `f12_345` is what comes after the room 345 with 12 members.
 */
static const char *format_token(struct arena *arena, char direction,
                                const struct room_summary *room)
{
    return arena_printf(arena, "%c%" PRId64 "_%" PRId64, direction, room->joined_members,
                        room->room_nid);
}

static enum errcode parse_token(struct request *req, const char *token, struct directory_query *out)
{
    int end = 0;

    if (token == NULL) {
        out->place = DIRECTORY_START;
        return OK;
    }
    if ((*token != 'f' && *token != 'b') || strlen(token) > 42 ||
        sscanf(token + 1, "%19" SCNd64 "_%19" SCNd64 "%n", &out->place.joined_members,
               &out->place.room_nid, &end) != 2 ||
        token[1 + end] != '\0')
        return fail(&req->error, M_INVALID_PARAM, "`since` is no token of this server.");
    out->backwards = *token == 'b';
    return OK;
}

/* The server whose directory is asked for; NULL for our own. */
static enum errcode read_server(struct request *req, const char **out)
{
    const char *server = query_string(req, "server");

    *out = NULL;
    if (server == NULL || config_hosts(config_current(req->call.services->config), server))
        return OK;
    if (!server_name_is_valid(server))
        return fail(&req->error, M_INVALID_PARAM, "`server` is no server name.");
    *out = server;
    return OK;
}

static enum errcode respond_from_elsewhere(struct request *req, const char *server,
                                           const json_t *query)
{
    const char *own = req->requester.server_name;
    const struct public_rooms_question question = {
        .origin = own != NULL ? own : config_current(req->call.services->config)->domains[0].name,
        .destination = server,
        .query = query,
    };
    json_t *answer;

    TRY(federation_ask_public_rooms(&req->call, &question, &answer));
    return respond(req, 200, json_incref(answer));
}

static void reverse(struct room_summary *rooms, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct room_summary swapped = rooms[i];
        rooms[i] = rooms[count - 1 - i];
        rooms[count - 1 - i] = swapped;
    }
}

static void set_token(struct request *req, json_t *answer, const char *name, char direction,
                      const struct room_summary *room)
{
    json_object_set_new(answer, name, json_string(format_token(req->call.arena, direction, room)));
}

/* `query->limit` is one more than was asked for: that shows whether there is another page. */
static enum errcode respond_page(struct request *req, const struct directory_query *query,
                                 bool is_first)
{
    struct room_summary *rooms;
    json_t *answer, *chunk;
    int64_t total = -1;
    size_t count;

    if (query->term == NULL && !query->by_type && !query->all_networks && query->network == NULL)
        TRY(room_directory_count(req->call.db, req->call.arena, &total));
    TRY(room_directory_list(req->call.db, req->call.arena, query, &rooms, &count));
    bool has_more = count == (size_t)query->limit;
    count -= has_more ? 1 : 0;
    if (query->backwards)
        reverse(rooms, count);
    chunk = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(chunk, public_room_json(&rooms[i]));
    answer = json_pack("{so}", "chunk", chunk);
    if (count > 0 && (query->backwards || has_more))
        set_token(req, answer, "next_batch", 'f', &rooms[count - 1]);
    if (count > 0 && (query->backwards ? has_more : !is_first))
        set_token(req, answer, "prev_batch", 'b', &rooms[0]);
    if (total >= 0)
        json_object_set_new(answer, "total_room_count_estimate", json_integer(total));
    return respond(req, 200, answer);
}

static int64_t page_limit(int64_t wanted)
{
    if (wanted < 1)
        return 2;
    return wanted < LIMIT_MAX ? wanted + 1 : LIMIT_MAX + 1;
}

/* GET /_matrix/client/v3/publicRooms */
enum errcode client_get_public_rooms(struct request *req)
{
    const char *since = query_string(req, "since"), *server;
    struct directory_query query = {0};

    TRY(query_int(req, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX, &query.limit));
    TRY(read_server(req, &server));
    if (server != NULL)
        return respond_from_elsewhere(
            req, server,
            json_on_arena(req->call.arena,
                          json_pack("{sI,ss*}", "limit", (json_int_t)query.limit, "since", since)));
    query.limit = page_limit(query.limit);
    TRY(parse_token(req, since, &query));
    return respond_page(req, &query, since == NULL);
}

static enum errcode read_room_types(struct request *req, json_t *filter,
                                    struct directory_query *out)
{
    json_t *types = json_object_get(filter, "room_types"), *type;
    const char **texts;
    size_t i;

    if (types == NULL || json_is_null(types))
        return OK;
    if (!json_is_array(types) || json_array_size(types) > ROOM_TYPES_MAX)
        return fail(&req->error, M_INVALID_PARAM, "filter.room_types must be a short list.");
    texts = ARENA_ARRAY(req->call.arena, json_array_size(types), const char *);
    json_array_foreach (types, i, type) {
        texts[i] = json_text(type);
        if (texts[i] == NULL && !json_is_null(type))
            return fail(&req->error, M_INVALID_PARAM, "filter.room_types[%zu] is no text.", i);
    }
    out->by_type = true;
    out->room_types = texts;
    out->room_type_count = json_array_size(types);
    return OK;
}

static enum errcode read_filter(struct request *req, struct directory_query *out)
{
    json_t *filter;
    size_t length;

    TRY(body_object_optional(req, "filter", &filter));
    const json_t *wanted = json_object_get(filter, "generic_search_term");
    json_t *value = json_object_get(filter, "generic_search_term");
    const char *term = json_text(value);
    if (term == NULL && value != NULL && !json_is_null(value))
        return fail(&req->error, M_BAD_JSON, "filter.generic_search_term must be a text.");
    if (wanted != NULL && !json_is_null(wanted) && term == NULL)
        return fail(&req->error, M_BAD_JSON, "generic_search_term must be text.");
    if (term != NULL && strlen(term) > TERM_BYTES_MAX)
        return fail(&req->error, M_INVALID_PARAM, "The search term is too long.");
    if (term != NULL && *term != '\0')
        out->term = utf8_casefold(req->call.arena, term, strlen(term), &length);
    return read_room_types(req, filter, out);
}

/* POST /_matrix/client/v3/publicRooms */
enum errcode client_query_public_rooms(struct request *req)
{
    struct directory_query query = {0};
    const char *since, *server;

    TRY(body_int_optional(req, "limit", LIMIT_DEFAULT, &query.limit));
    query.limit = page_limit(query.limit);
    TRY(body_string_optional(req, "since", &since));
    TRY(read_filter(req, &query));
    TRY(body_bool_optional(req, "include_all_networks", false, &query.all_networks));
    TRY(body_string_optional(req, "third_party_instance_id", &query.network));
    if (query.network != NULL && query.all_networks)
        return fail(&req->error, M_INVALID_PARAM,
                    "third_party_instance_id means nothing with include_all_networks.");
    TRY(read_server(req, &server));
    if (server != NULL)
        return respond_from_elsewhere(req, server, request_body(req));
    TRY(parse_token(req, since, &query));
    return respond_page(req, &query, since == NULL);
}
