/* What old_sync.c and peeking_events.c share: events of some rooms, one after the other. */
#include "homeserver/client_api/event_stream.h"

#include <stdlib.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/rooms/client_events.h"
#include "homeserver/rooms/ignored_senders.h"
#include "homeserver/services.h"
#include "storage/journal.h"

enum { TIMEOUT_MS_MAX = 120 * 1000, EVENTS_OF_ROOM = 100 };

struct streamed {
    const struct room_reader *reader;
    struct stored_event event;
};

typedef ARRAY_OF(struct streamed) streamed_events;

/* Who does not say from where reads what comes after the request: also in the runs after a wait. */
static int64_t position_of_arrival(struct request *req, int64_t newest)
{
    int64_t *kept = req_memo(req);

    if (kept == NULL) {
        kept = malloc(sizeof(*kept));
        if (kept == NULL)
            return newest;
        *kept = newest;
        req_set_memo(req, kept);
    }
    return *kept;
}

enum errcode event_stream_read(struct request *req, struct event_stream *out)
{
    int64_t newest = journal_position(req->call.services->journal);
    const char *from = query_string(req, "from");

    TRY(query_int(req, "timeout", 0, 0, TIMEOUT_MS_MAX, &out->timeout_ms));
    if (from != NULL && *from != '\0')
        return page_token_parse(from, newest, &req->error, &out->from);
    out->from = position_of_arrival(req, newest);
    return OK;
}

/* `*end` moves back to where every room has been read up to. */
static enum errcode add_room(struct request *req, const struct room_reader *reader, int64_t from,
                             int64_t *end, streamed_events *out)
{
    const struct event_range range = {
        .room_nid = room_nid(reader->room),
        .after = from,
        .until = reader->until < *end ? reader->until : *end,
        .limit = EVENTS_OF_ROOM,
    };
    struct stored_event *events;
    size_t count;

    TRY(events_in_range(req->call.db, req->call.arena, &range, &events, &count));
    if (count == EVENTS_OF_ROOM && events[count - 1].position < *end)
        *end = events[count - 1].position;
    TRY(visibility_filter(&req->call, reader, events, &count));
    TRY(ignored_senders_drop(&req->call, req->requester.user_nid, events, &count));
    for (size_t i = 0; i < count; i++)
        array_push(req->call.arena, out, ((struct streamed){reader, events[i]}));
    return OK;
}

static int compare_positions(const void *left, const void *right)
{
    const struct streamed *a = left, *b = right;

    return (a->event.position > b->event.position) - (a->event.position < b->event.position);
}

enum errcode event_stream_write(struct request *req, const struct event_stream *stream,
                                const struct room_reader *readers, size_t count, struct strbuf *out,
                                bool *is_empty_out)
{
    int64_t end = journal_position(req->call.services->journal);
    streamed_events list = {0};
    size_t written = 0;

    for (size_t i = 0; i < count; i++)
        TRY(add_room(req, &readers[i], stream->from, &end, &list));
    if (list.count > 0)
        qsort(list.items, list.count, sizeof(*list.items), compare_positions);
    strbuf_printf(out, "{\"start\":\"%s\",\"chunk\":[",
                  page_token_format(req->call.arena, stream->from));
    for (size_t i = 0; i < list.count && list.items[i].event.position <= end; i++) {
        const struct client_events how = {.reader = list.items[i].reader, .with_room_id = true};
        if (written++ > 0)
            strbuf_add_char(out, ',');
        TRY(client_events_write(&req->call, &how, &list.items[i].event, 1, out));
    }
    strbuf_printf(out, "],\"end\":\"%s\"}", page_token_format(req->call.arena, end));
    *is_empty_out = written == 0;
    return OK;
}
