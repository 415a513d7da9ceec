/* Spec: client-server API, "Getting events by timestamp" (room_event_by_timestamp.yaml). */
#include "federation/receiver/history.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/rooms/visibility.h"

static enum errcode find(struct request *req, const struct room_reader *reader, int64_t ts,
                         bool backwards, struct stored_event *out)
{
    struct timestamp_wish wish = {.room = reader->room, .ts = ts, .backwards = backwards};

    enum errcode found = event_closest_to_timestamp(req->call.db, req->call.arena,
                                                    room_nid(reader->room), ts, !backwards, out);
    if (found != OK && found != M_NOT_FOUND)
        return found;
    if (found == OK && out->origin_server_ts == ts)
        return OK;
    if (found == OK) {
        wish.has_known = true;
        wish.known_ts = out->origin_server_ts;
    }
    TRY(history_approach(&req->call, &wish));
    error_clear(&req->error);
    return event_closest_to_timestamp(req->call.db, req->call.arena, room_nid(reader->room), ts,
                                      !backwards, out);
}

/* GET /_matrix/client/v1/rooms/{roomId}/timestamp_to_event */
enum errcode client_get_event_by_timestamp(struct request *req)
{
    const char *room_id_text;
    struct room_reader reader;
    struct stored_event event;
    int64_t ts;
    bool backwards, visible = false;

    TRY(path_room_id(req, "roomId", &room_id_text));
    TRY(query_int_required(req, "ts", 0, &ts));
    TRY(query_direction_required(req, &backwards));
    TRY(room_reader_make(&req->call, room_id_text, &req->requester, &reader));
    enum errcode found = find(req, &reader, ts, backwards, &event);
    if (found == OK)
        TRY(visibility_check(&req->call, &reader, &event, 1, &visible));
    if (found == M_NOT_FOUND || (found == OK && !visible))
        return fail(&req->error, M_NOT_FOUND, "There is no event on that side of this time.");
    TRY(found);
    return respond(req, 200,
                   json_pack("{ss, sI}", "event_id", event.event_id, "origin_server_ts",
                             (json_int_t)event.origin_server_ts));
}
