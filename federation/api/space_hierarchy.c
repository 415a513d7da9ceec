/*
 * One level of a space, for servers that walk it.
 * Spec: server-server API, "Spaces" (space_hierarchy.yaml).
 */
#include <string.h>

#include "federation/api/federation_api.h"
#include "federation/receiver/room_access.h"
#include "homeserver/base/arena.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/room_preview.h"
#include "homeserver/rooms/room_summary_json.h"
#include "homeserver/rooms/space_children.h"
#include "storage/room_summaries.h"

enum { CHILDREN_MAX = 1000 };

/* Anybody could be shown it, or a user of the server is in it or in a room that lets into it. */
static enum errcode is_allowed(struct request *req, const struct preview *preview, bool *out)
{
    const struct room_summary *summary = preview->summary;
    struct server_member *members;
    struct room *room;
    size_t count;

    *out = preview->is_allowed;
    if (*out)
        return OK;
    TRY(memberships_of_server(req->call.db, req->call.arena, summary->room_nid,
                              req->requester.server_name, &members, &count));
    *out = count > 0 &&
           (members[0].membership == STORED_JOIN || members[0].membership == STORED_INVITE);
    for (size_t i = 0; !*out && i < summary->allowed_room_count && i < CHILDREN_MAX; i++) {
        enum errcode opened = room_open(&req->call, summary->allowed_rooms[i], &room);
        if (opened == M_NOT_FOUND)
            continue;
        TRY(opened);
        TRY(memberships_of_server(req->call.db, req->call.arena, room_nid(room),
                                  req->requester.server_name, &members, &count));
        *out = count > 0 && members[0].membership == STORED_JOIN;
    }
    error_clear(&req->error);
    return OK;
}

static enum errcode room_json(struct request *req, const struct room_summary *summary,
                              bool suggested_only, const char ***children_out, size_t *count_out,
                              json_t **out)
{
    struct space_child *children = NULL;
    size_t count = 0;
    json_t *state = json_array();

    *out = json_on_arena(req->call.arena, room_summary_json(summary));
    json_object_set_new(*out, "children_state", state);
    if (summary->room_type != NULL && strcmp(summary->room_type, "m.space") == 0)
        TRY(space_children_load(&req->call, summary->room_nid, suggested_only, &children, &count));
    if (count > CHILDREN_MAX)
        count = CHILDREN_MAX;
    *children_out = ARENA_ARRAY(req->call.arena, count, const char *);
    *count_out = count;
    for (size_t i = 0; i < count; i++) {
        (*children_out)[i] = children[i].room_id;
        json_array_append(state, children[i].stripped);
    }
    return OK;
}

static enum errcode add_children(struct request *req, const char *const *ids, size_t count,
                                 bool suggested_only, json_t *children, json_t *inaccessible)
{
    struct room_summary *summaries;
    struct preview *previews;

    TRY(room_summaries_load_by_ids(req->call.db, req->call.arena, ids, count, &summaries, &count));
    TRY(previews_make(&req->call, 0, summaries, count, &previews));
    for (size_t i = 0; i < count; i++) {
        const char **grandchildren;
        size_t grandchild_count;
        json_t *json;
        bool allowed;
        TRY(is_allowed(req, &previews[i], &allowed));
        if (!allowed) {
            json_array_append_new(inaccessible, json_string(summaries[i].room_id));
            continue;
        }
        TRY(room_json(req, &summaries[i], suggested_only, &grandchildren, &grandchild_count,
                      &json));
        json_array_append(children, json);
    }
    return OK;
}

/* GET /_matrix/federation/v1/hierarchy/{roomId} */
enum errcode federation_get_space_hierarchy(struct request *req)
{
    const char *room_id_text, **children_ids;
    struct room_summary *summary;
    struct preview *preview;
    size_t count, child_count;
    bool suggested_only, allowed = false;
    json_t *root, *children = json_on_arena(req->call.arena, json_array());
    json_t *inaccessible = json_on_arena(req->call.arena, json_array());

    TRY(path_room_id(req, "roomId", &room_id_text));
    TRY(query_bool(req, "suggested_only", false, &suggested_only));
    TRY(room_summaries_load_by_ids(req->call.db, req->call.arena, &room_id_text, 1, &summary,
                                   &count));
    TRY(previews_make(&req->call, 0, summary, count, &preview));
    if (count > 0)
        TRY(is_allowed(req, preview, &allowed));
    if (!allowed)
        return fail(&req->error, M_NOT_FOUND,
                    "Your server may not see this room, or it does not "
                    "exist.");
    TRY(room_json(req, summary, suggested_only, &children_ids, &child_count, &root));
    TRY(add_children(req, children_ids, child_count, suggested_only, children, inaccessible));
    return respond(req, 200,
                   json_pack("{sO,sO,sO}", "room", root, "children", children,
                             "inaccessible_children", inaccessible));
}
