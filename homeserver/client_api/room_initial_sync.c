/*
 * One room as it is now, for previews.
 * Spec: client-server API, "Room previews" (room_initial_sync.yaml).
 */
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/event_page.h"
#include "homeserver/client_api/room_info.h"

enum { MESSAGES = 20 };

/* GET /_matrix/client/v3/rooms/{roomId}/initialSync */
enum errcode client_room_initial_sync(struct request *req)
{
    struct room_reader reader;
    struct strbuf body;
    const char *room_id;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(room_reader_make(&req->call, room_id, &req->requester, &reader));
    strbuf_init(&body, 0);
    enum errcode written = room_info_write(req, &reader, MESSAGES, &body);
    if (written == OK)
        written = respond_written(req, &body);
    strbuf_finish(&body);
    return written;
}
