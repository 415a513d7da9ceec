/* Spec: client-server API, "Getting events by timestamp" (room_event_by_timestamp.yaml). */
#include "federation/receiver/history.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/rooms/closest_event.h"
#include "homeserver/rooms/visibility.h"

static enum errcode check(struct call *call, const void *who, const struct stored_event *events,
                          size_t count, bool *visible_out)
{
    return visibility_check(call, who, events, count, visible_out);
}

static enum errcode find(struct request *req, const struct room_reader *reader, int64_t ts,
                         bool backwards, struct stored_event *out)
{
    struct timestamp_wish wish = {.room = reader->room, .ts = ts, .backwards = backwards};
    const struct closest_search search = {
        .room = reader->room,
        .ts = ts,
        .backwards = backwards,
        .check = check,
        .who = reader,
    };

    enum errcode found = closest_event_find(&req->call, &search, out);
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
    return closest_event_find(&req->call, &search, out);
}

/* GET /_matrix/client/v1/rooms/{roomId}/timestamp_to_event */
enum errcode client_get_event_by_timestamp(struct request *req)
{
    const char *room_id_text;
    struct room_reader reader;
    struct stored_event event;
    int64_t ts;
    bool backwards;

    TRY(path_room_id(req, "roomId", &room_id_text));
    TRY(query_int_required(req, "ts", 0, &ts));
    TRY(query_direction_required(req, &backwards));
    TRY(room_reader_make(&req->call, room_id_text, &req->requester, &reader));
    TRY(find(req, &reader, ts, backwards, &event));
    return respond(req, 200,
                   json_pack("{ss, sI}", "event_id", event.event_id, "origin_server_ts",
                             (json_int_t)event.origin_server_ts));
}
