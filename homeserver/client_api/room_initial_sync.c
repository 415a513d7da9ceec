/*
 * One room as it is now, for previews.
 * Spec: client-server API, "Room previews" (room_initial_sync.yaml).
 */
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/event_page.h"
#include "homeserver/client_api/room_info.h"

enum { MESSAGES = 20, MESSAGES_MAX = 100 };

/* GET /_matrix/client/v3/rooms/{roomId}/initialSync */
enum errcode client_room_initial_sync(struct request *req)
{
    struct room_reader reader;
    struct strbuf body;
    const char *room_id;
    int64_t limit;

    TRY(path_room_id(req, "roomId", &room_id));
    /* Not in the specification, but clients say how much they want (matrix-js-sdk when it peeks).
     */
    TRY(query_int(req, "limit", MESSAGES, 1, MESSAGES_MAX, &limit));
    TRY(room_reader_make(&req->call, room_id, &req->requester, &reader));
    strbuf_init(&body, 0);
    enum errcode written = room_info_write(req, &reader, limit, &body);
    if (written == OK)
        written = respond_written(req, &body);
    strbuf_finish(&body);
    return written;
}
