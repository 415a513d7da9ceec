/* A room as the older ways to synchronise show it. */
#include "homeserver/client_api/room_info.h"

#include "homeserver/base/arena.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/rooms/client_events.h"
#include "homeserver/rooms/ignored_senders.h"
#include "storage/account_data.h"
#include "storage/room_summaries.h"

static void reverse(struct stored_event *events, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct stored_event swapped = events[i];
        events[i] = events[count - 1 - i];
        events[count - 1 - i] = swapped;
    }
}

static enum errcode write_messages(struct request *req, const struct client_events *how,
                                   int64_t limit, struct strbuf *out)
{
    const struct event_range range = {
        .room_nid = room_nid(how->reader->room),
        .after = INT64_MIN,
        .until = how->reader->until,
        .limit = limit,
        .backwards = true,
    };
    struct arena *arena = req->call.arena;
    struct stored_event *events;
    size_t count;

    TRY(events_in_range(req->call.db, arena, &range, &events, &count));
    int64_t start = count > 0 ? events[count - 1].position - 1 : range.until;
    TRY(visibility_filter(&req->call, how->reader, events, &count));
    TRY(ignored_senders_drop(&req->call, req->requester.user_nid, events, &count));
    reverse(events, count);
    strbuf_printf(out, ",\"messages\":{\"start\":\"%s\",", page_token_format(arena, start));
    strbuf_printf(out, "\"end\":\"%s\",\"chunk\":[", page_token_format(arena, range.until));
    TRY(client_events_write(&req->call, how, events, count, out));
    strbuf_add_string(out, "]}");
    return OK;
}

static enum errcode write_state(struct request *req, const struct client_events *how,
                                struct strbuf *out)
{
    struct call *call = &req->call;
    struct stored_event *events;
    struct state_map *state;
    size_t count;

    TRY(room_reader_state(call, how->reader, &state));
    count = state_map_count(state);
    TRY(events_load(call->db, call->arena, state_map_values(state, call->arena), count, &events,
                    &count));
    strbuf_add_string(out, ",\"state\":[");
    TRY(client_events_write(call, how, events, count, out));
    strbuf_add_char(out, ']');
    return OK;
}

static enum errcode write_account_data(struct request *req, const struct room_reader *reader,
                                       struct strbuf *out)
{
    const struct position_range range = {.since = 0, .until = reader->until};
    struct account_data_row *rows;
    bool is_first = true;
    size_t count;

    TRY(account_data_changed(req->call.db, req->call.arena, req->requester.user_nid, range, &rows,
                             &count));
    strbuf_add_string(out, ",\"account_data\":[");
    for (size_t i = 0; i < count; i++) {
        if (rows[i].room_nid != room_nid(reader->room))
            continue;
        strbuf_add_string(out, is_first ? "{\"type\":" : ",{\"type\":");
        strbuf_add_json_string(out, rows[i].type, strlen(rows[i].type));
        strbuf_printf(out, ",\"content\":%s}", rows[i].content);
        is_first = false;
    }
    strbuf_add_char(out, ']');
    return OK;
}

static enum errcode write_visibility(struct request *req, const struct room_reader *reader,
                                     struct strbuf *out)
{
    const int64_t nid = room_nid(reader->room);
    struct room_summary *summary;
    size_t count;

    TRY(room_summaries_load(req->call.db, req->call.arena, (struct nid_list){&nid, 1}, &summary,
                            &count));
    strbuf_printf(out, ",\"visibility\":\"%s\"",
                  count > 0 && summary->is_published ? "public" : "private");
    return OK;
}

enum errcode room_info_write(struct request *req, const struct room_reader *reader,
                             int64_t message_limit, struct strbuf *out)
{
    const struct client_events how = {
        .reader = reader, .with_room_id = true, .with_relations = true};

    strbuf_add_string(out, "{\"room_id\":");
    strbuf_add_json_string(out, room_id(reader->room), strlen(room_id(reader->room)));
    if (reader->membership.membership != 0)
        strbuf_printf(out, ",\"membership\":\"%s\"",
                      membership_to_text(reader->membership.membership));
    TRY(write_messages(req, &how, message_limit, out));
    TRY(write_state(req, &how, out));
    TRY(write_account_data(req, reader, out));
    TRY(write_visibility(req, reader, out));
    strbuf_add_char(out, '}');
    return OK;
}
