/*
 * The summary of a room, also for those who are not in it.
 * Spec: client-server API, "Room Summaries" (room_summary.yaml); before v1.15 MSC3266.
 */
#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/room_membership.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/remote_rooms.h"
#include "homeserver/rooms/room_preview.h"
#include "homeserver/rooms/room_summary_json.h"
#include "homeserver/services.h"

static enum errcode refuse(struct request *req)
{
    return fail(&req->error, M_NOT_FOUND, "There is no such room that you may see.");
}

/* The servers that the client named may know it. */
static enum errcode ask_others(struct request *req, const struct room_target *target,
                               struct room_summary **out, size_t *count_out)
{
    const struct config *config = config_current(req->call.services->config);
    const char *own = req->requester.server_name;
    const struct remote_asking asking = {.origin = own != NULL ? own : config->domains[0].name};
    struct remote_question question = {
        .room_id = target->room_id,
        .servers = target->servers,
        .server_count = target->server_count,
    };

    TRY(remote_rooms_ask(&req->call, &asking, &question, 1));
    *out = question.answer != NULL ? &question.answer->room.summary : NULL;
    *count_out = question.answer != NULL ? 1 : 0;
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
        TRY(ask_others(req, &target, &summary, &count));
    TRY(previews_make(&req->call, req->requester.user_nid, summary, count, &preview));
    if (count == 0 || !preview->is_allowed)
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
