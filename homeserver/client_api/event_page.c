/* Pages of a timeline, shared by /messages and /context. */
#include "homeserver/client_api/event_page.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/rooms/client_events.h"
#include "homeserver/rooms/event_subject.h"
#include "homeserver/rooms/room_state.h"
#include "storage/users.h"

enum errcode read_event_filter(struct request *req, const struct event_filter **out)
{
    const char *text = query_string(req, "filter");
    json_t *json = NULL;

    if (text != NULL && json_parse_object(req->call.arena, text, strlen(text), NULL, &json) != OK)
        return fail(&req->error, M_INVALID_PARAM, "The filter is not a JSON object.");
    return event_filter_parse(req->call.arena, json, &req->error, out);
}

enum errcode write_sender_members(struct request *req, const struct room_reader *reader,
                                  const struct stored_event *events, size_t count,
                                  struct strbuf *out)
{
    struct call *call = &req->call;
    const struct client_events how = {.reader = reader, .with_room_id = true};
    ARRAY_OF(int64_t) senders = {0}, nids = {0};
    struct stored_event *members;
    const char **user_ids;

    for (size_t i = 0; i < count; i++) {
        bool is_repeated = false;
        for (size_t j = 0; j < senders.count; j++)
            is_repeated |= senders.items[j] == events[i].sender_nid;
        if (!is_repeated)
            array_push(call->arena, &senders, events[i].sender_nid);
    }
    TRY(user_ids_load(call->db, call->arena, senders.items, senders.count, &user_ids));
    for (size_t i = 0; i < senders.count; i++) {
        const struct state_key key = {"m.room.member", user_ids[i]};
        int64_t nid;
        TRY(room_state_event_nid(call, reader->head->state, &key, &nid));
        if (nid != 0)
            array_push(call->arena, &nids, nid);
    }
    TRY(events_load(call->db, call->arena, nids.items, nids.count, &members, &count));
    return client_events_write(call, &how, members, count, out);
}

enum errcode respond_written(struct request *req, struct strbuf *body)
{
    size_t size;

    if (body->overflowed)
        return fail(&req->error, M_TOO_LARGE, "The answer would be too large; ask for less.");
    char *bytes = strbuf_detach(body, &size);
    return respond_bytes(req, 200, "application/json", bytes, size);
}

/* Where the next page begins: after the last row that was looked at, visible or not. */
static int64_t next_position(const struct event_page *page, const struct stored_event *last)
{
    return page->backwards ? last->position - 1 : last->position;
}

static enum errcode load_page(struct request *req, const struct room_reader *reader,
                              const struct event_page *page, struct stored_event **events_out,
                              size_t *count_out)
{
    bool ends_with_leaving = reader->until < page->from;
    const struct event_range range = {
        .room_nid = room_nid(reader->room),
        .after = page->backwards ? page->to : page->from,
        .until = page->backwards ? (ends_with_leaving ? reader->until : page->from) : page->to,
        .limit = page->limit,
        .backwards = page->backwards,
        .over_gaps = page->over_gaps,
    };

    return events_in_range(req->call.db, req->call.arena, &range, events_out, count_out);
}

static enum errcode write_page(struct request *req, const struct room_reader *reader,
                               const struct event_page *page, struct strbuf *body)
{
    const struct client_events how = {
        .reader = reader, .with_room_id = true, .with_relations = true};
    struct arena *arena = req->call.arena;
    struct stored_event *events;
    size_t count;

    TRY(load_page(req, reader, page, &events, &count));
    strbuf_printf(body, "{\"start\":\"%s\"", page_token_format(arena, page->from));
    /* Where a filter hides events, clients read a missing `end` as "nothing at all matches before
     * this"; they get their answer from one more, empty page. */
    bool may_go_on = page->has_more_elsewhere || query_string(req, "filter") != NULL;
    if (count == (size_t)page->limit || page->has_more_elsewhere || (may_go_on && count > 0)) {
        int64_t next = count > 0 ? next_position(page, &events[count - 1]) : page->from;
        strbuf_printf(body, ",\"end\":\"%s\"", page_token_format(arena, next));
    }
    TRY(visibility_filter(&req->call, reader, events, &count));
    TRY(events_filter(&req->call, page->filter, room_id(reader->room), events, &count, NULL));
    strbuf_add_string(body, ",\"chunk\":[");
    TRY(client_events_write(&req->call, &how, events, count, body));
    strbuf_add_char(body, ']');
    if (page->filter->lazy_load_members) {
        strbuf_add_string(body, ",\"state\":[");
        TRY(write_sender_members(req, reader, events, count, body));
        strbuf_add_char(body, ']');
    }
    strbuf_add_char(body, '}');
    return OK;
}

enum errcode respond_event_page(struct request *req, const struct room_reader *reader,
                                const struct event_page *page)
{
    struct strbuf body;

    strbuf_init(&body, 0);
    enum errcode written = write_page(req, reader, page, &body);
    if (written == OK)
        written = respond_written(req, &body);
    strbuf_finish(&body);
    return written;
}
