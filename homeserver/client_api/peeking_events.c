/*
 * Following one room without being in it.
 * Spec: client-server API, "Room previews" (peeking_events.yaml).
 */
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/event_page.h"
#include "homeserver/client_api/event_stream.h"
#include "homeserver/protocol/identifiers.h"

/* Nothing wakes those who are not in the room: they are answered soon, and ask again. */
enum { PEEK_MS_MAX = 1000 };

/* GET /_matrix/client/v3/events?room_id=… */
enum errcode client_peek_events(struct request *req)
{
    const char *room_id = query_string(req, "room_id");
    struct event_stream stream;
    struct room_reader reader;
    struct strbuf body;
    bool is_empty;

    if (!room_id_is_valid(room_id))
        return fail(&req->error, M_INVALID_PARAM, "room_id is not a room ID.");
    TRY(room_reader_make(&req->call, room_id, &req->requester, &reader));
    TRY(event_stream_read(req, &stream));
    strbuf_init(&body, 0);
    enum errcode written = event_stream_write(req, &stream, &reader, 1, &body, &is_empty);
    bool waits = written == OK && is_empty && stream.timeout_ms > 0 && !req_woken_by_deadline(req);
    if (written == OK && !waits)
        written = respond_written(req, &body);
    strbuf_finish(&body);
    if (!waits)
        return written;
    int64_t wait_ms = stream.timeout_ms < PEEK_MS_MAX ? stream.timeout_ms : PEEK_MS_MAX;
    return req_park(req, NULL, 0, 0, req_started_ms(req) + wait_ms);
}
