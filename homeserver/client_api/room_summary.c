/*
 * The summary of a room, also for those who are not in it.
 * Spec: client-server API, "Room Summaries" (room_summary.yaml); before v1.15 MSC3266.
 */
#include <string.h>

#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/room_membership.h"
#include "homeserver/http/request.h"
#include "homeserver/rooms/room_preview.h"
#include "homeserver/rooms/room_summary_json.h"

static enum errcode refuse(struct request *req)
{
    return fail(&req->error, M_NOT_FOUND, "There is no such room that you may see.");
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
        return refuse(req);
    TRY(previews_make(&req->call, req->requester.user_nid, summary, count, &preview));
    if (!preview->is_allowed)
        return refuse(req);
    *out = room_summary_json(summary);
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
    return respond(req, 200, summary);
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
    return respond(req, 200, summary);
}
