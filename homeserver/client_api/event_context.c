/*
 * An event with what came before and after it.
 * Spec: client-server API, "Event Context" (event_context.yaml).
 */
#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/event_page.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/rooms/client_events.h"
#include "homeserver/rooms/event_subject.h"
#include "homeserver/rooms/room_state.h"

struct surroundings {
    struct stored_event event;
    struct stored_event *before; /* newest first */
    size_t before_count;
    struct stored_event *after; /* oldest first */
    size_t after_count;
    int64_t start; /* positions for paging on */
    int64_t end;
};

static enum errcode load_side(struct request *req, const struct room_reader *reader, int64_t limit,
                              bool backwards, struct surroundings *around)
{
    struct stored_event **events = backwards ? &around->before : &around->after;
    size_t *count = backwards ? &around->before_count : &around->after_count;
    const struct event_range range = {
        .room_nid = room_nid(reader->room),
        .after = backwards ? INT64_MIN : around->event.position,
        .until = backwards ? around->event.position - 1 : reader->until,
        .limit = limit,
        .backwards = backwards,
    };

    TRY(events_in_range(req->call.db, req->call.arena, &range, events, count));
    if (*count > 0 && backwards)
        around->start = (*events)[*count - 1].position - 1;
    if (*count > 0 && !backwards)
        around->end = (*events)[*count - 1].position;
    return visibility_filter(&req->call, reader, *events, count);
}

static enum errcode load(struct request *req, const struct room_reader *reader,
                         const struct event_filter *filter, struct surroundings *out)
{
    const char *event_id;
    int64_t limit;

    TRY(path_event_id(req, "eventId", &event_id));
    TRY(query_int(req, "limit", 10, 0, 100, &limit));
    TRY(visible_event_load(&req->call, reader, event_id, &out->event));
    out->start = out->event.position - 1;
    out->end = out->event.position;
    TRY(load_side(req, reader, limit / 2, true, out));
    TRY(load_side(req, reader, limit - limit / 2, false, out));
    TRY(events_filter(&req->call, filter, room_id(reader->room), out->before, &out->before_count,
                      NULL));
    return events_filter(&req->call, filter, room_id(reader->room), out->after, &out->after_count,
                         NULL);
}

/* The state at the last event of the answer. */
static enum errcode write_state(struct request *req, const struct client_events *how,
                                const struct surroundings *around,
                                const struct event_filter *filter, struct strbuf *body)
{
    const struct stored_event *last =
        around->after_count > 0 ? &around->after[around->after_count - 1] : &around->event;
    struct stored_event *events;
    struct state_map *state;
    size_t count;

    if (filter->lazy_load_members)
        return write_sender_members(req, how->reader, &around->event, 1, body);
    TRY(room_state_after(&req->call, how->reader->room, last, &state));
    count = state_map_count(state);
    TRY(events_load(req->call.db, req->call.arena, state_map_values(state, req->call.arena), count,
                    &events, &count));
    return client_events_write(&req->call, how, events, count, body);
}

static enum errcode write(struct request *req, const struct room_reader *reader,
                          const struct surroundings *around, const struct event_filter *filter,
                          struct strbuf *body)
{
    const struct client_events how = {
        .reader = reader, .with_room_id = true, .with_relations = true};
    struct call *call = &req->call;

    strbuf_printf(body, "{\"start\":\"%s\",", page_token_format(call->arena, around->start));
    strbuf_printf(body, "\"end\":\"%s\",\"event\":", page_token_format(call->arena, around->end));
    TRY(client_events_write(call, &how, &around->event, 1, body));
    strbuf_add_string(body, ",\"events_before\":[");
    TRY(client_events_write(call, &how, around->before, around->before_count, body));
    strbuf_add_string(body, "],\"events_after\":[");
    TRY(client_events_write(call, &how, around->after, around->after_count, body));
    strbuf_add_string(body, "],\"state\":[");
    TRY(write_state(req, &how, around, filter, body));
    strbuf_add_string(body, "]}");
    return OK;
}

/* GET /_matrix/client/v3/rooms/{roomId}/context/{eventId} */
enum errcode client_get_event_context(struct request *req)
{
    struct surroundings around = {0};
    const struct event_filter *filter;
    struct room_reader reader;
    struct strbuf body;
    const char *room_id;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(read_event_filter(req, &filter));
    TRY(room_reader_make(&req->call, room_id, &req->requester, &reader));
    TRY(load(req, &reader, filter, &around));
    strbuf_init(&body, 0);
    enum errcode written = write(req, &reader, &around, filter, &body);
    if (written == OK)
        written = respond_written(req, &body);
    strbuf_finish(&body);
    return written;
}
