/*
 * The summary of a room, also for those who are not in it.
 * Spec: client-server API, "Room Summaries" (room_summary.yaml); before v1.15 MSC3266.
 */
#include <string.h>

#include "config/config.h"
#include "federation/client/space_hierarchy.h"
#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/room_membership.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/room_preview.h"
#include "homeserver/rooms/room_summary_json.h"
#include "homeserver/services.h"

enum { SERVERS_ASKED_MAX = 3, ALLOWED_ROOMS_MAX = 100 };

static enum errcode refuse(struct request *req)
{
    return fail(&req->error, M_NOT_FOUND, "There is no such room that you may see.");
}

static bool is(const json_t *room, const char *name, const char *wanted)
{
    const char *text = json_get_string(room, name);

    return text != NULL && strcmp(text, wanted) == 0;
}

/* What another server shows to ours need not be for this user: only rooms that anybody could enter,
 * read or knock on, and those open to the members of a room that the user is in. */
static enum errcode may_see(struct request *req, const json_t *room, bool *out)
{
    json_t *allowed = json_get_array(room, "allowed_room_ids"), *id;
    const char **ids = ARENA_ARRAY(req->call.arena, json_array_size(allowed), const char *);
    struct joined_query query = {.user_nid = req->requester.user_nid, .room_ids = ids};
    const char **joined;
    size_t i, joined_count;

    *out = is(room, "join_rule", "public") || is(room, "join_rule", "knock") ||
           is(room, "join_rule", "knock_restricted") ||
           json_get_bool(room, "world_readable", false);
    if (*out || query.user_nid == 0)
        return OK;
    json_array_foreach (allowed, i, id) {
        if (json_is_text(id) && query.count < ALLOWED_ROOMS_MAX)
            ids[query.count++] = json_text(id);
    }
    TRY(memberships_joined_among(req->call.db, req->call.arena, &query, &joined, &joined_count));
    *out = joined_count > 0;
    return OK;
}

/* The servers that the client named, one after the other. */
static enum errcode ask_others(struct request *req, const struct room_target *target, json_t **out)
{
    const struct config *config = config_current(req->call.services->config);
    const char *own = req->requester.server_name;
    bool allowed = false;

    for (size_t i = 0; i < target->server_count && i < SERVERS_ASKED_MAX && !allowed; i++) {
        const struct hierarchy_question question = {
            .origin = own != NULL ? own : config->domains[0].name,
            .destination = target->servers[i],
            .room_id = target->room_id,
        };
        if (config_hosts(config, target->servers[i]))
            continue;
        enum errcode asked = federation_ask_room(&req->call, &question, out);
        error_clear(&req->error);
        if (asked == OK)
            TRY(may_see(req, *out, &allowed));
    }
    if (!allowed)
        return refuse(req);
    json_object_del(*out, "children_state");
    if (req->requester.user_id != NULL)
        json_object_set_new(*out, "membership", json_string("leave"));
    return OK;
}

/* Rooms that the requester may not see look like rooms that do not exist. */
static enum errcode make_summary(struct request *req, json_t **out)
{
    struct room_summary *summary;
    struct preview *preview;
    struct room_target target;
    size_t count;

    enum errcode found = room_target_by_id_or_alias(req, &target);
    if (found == M_NOT_FOUND)
        return refuse(req);
    TRY(found);
    TRY(room_summaries_load_by_ids(req->call.db, req->call.arena, &target.room_id, 1, &summary,
                                   &count));
    if (count == 0)
        return ask_others(req, &target, out);
    TRY(previews_make(&req->call, req->requester.user_nid, summary, count, &preview));
    if (!preview->is_allowed)
        return refuse(req);
    *out = json_on_arena(req->call.arena, room_summary_json(summary));
    if (req->requester.user_id != NULL)
        json_object_set_new(*out, "membership",
                            json_string(preview->membership != 0
                                            ? membership_to_text(preview->membership)
                                            : "leave"));
    return OK;
}

/* GET /_matrix/client/v1/room_summary/{roomIdOrAlias} */
enum errcode client_get_room_summary(struct request *req)
{
    json_t *summary;

    TRY(make_summary(req, &summary));
    return respond(req, 200, json_incref(summary));
}

/* GET /_matrix/client/unstable/im.nheko.summary/summary/{roomIdOrAlias}, which names two members
 * otherwise; clients ask it even where they know v1.15. */
enum errcode client_get_room_summary_unstable(struct request *req)
{
    json_t *summary;

    TRY(make_summary(req, &summary));
    json_object_set(summary, "im.nheko.summary.room_version",
                    json_object_get(summary, "room_version"));
    if (json_object_get(summary, "encryption") != NULL)
        json_object_set(summary, "im.nheko.summary.encryption",
                        json_object_get(summary, "encryption"));
    return respond(req, 200, json_incref(summary));
}
