/*
 * Reading back.
 * Spec: client-server API, "Getting events for a room" (message_pagination.yaml).
 */
#include "federation/receiver/history.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/event_page.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/services.h"
#include "storage/journal.h"

static enum errcode read_token(struct request *req, const char *name, int64_t fallback,
                               int64_t *out)
{
    const char *text = query_string(req, name);

    *out = fallback;
    if (text == NULL || *text == '\0')
        return OK;
    return page_token_parse(text, journal_position(req->call.services->journal), &req->error, out);
}

/* Who reads further back than this server knows, or to where it knows too little, has it ask those
 * who were there. */
static enum errcode fetch_history(struct request *req, const struct room_reader *reader,
                                  struct event_page *page)
{
    const struct history_wish wish = {
        .room = reader->room,
        .position = !page->backwards || page->from < reader->until ? page->from : reader->until,
        .backwards = page->backwards,
        .count = page->limit,
    };
    struct history_reach reach;

    TRY(history_obtain(&req->call, &wish, &reach));
    page->has_more_elsewhere = reach.has_more;
    page->over_gaps = reach.over_gaps;
    return OK;
}

/* GET /_matrix/client/v3/rooms/{roomId}/messages */
enum errcode client_get_room_events(struct request *req)
{
    struct event_page page = {0};
    struct room_reader reader;
    const char *room_id;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(room_reader_make(&req->call, room_id, &req->requester, &reader));
    TRY(query_direction_required(req, &page.backwards));
    TRY(query_int(req, "limit", 10, 1, 1000, &page.limit));
    TRY(read_token(req, "from", page.backwards ? reader.until : INT64_MIN, &page.from));
    TRY(read_token(req, "to", page.backwards ? INT64_MIN : reader.until, &page.to));
    TRY(read_event_filter(req, &page.filter));
    TRY(fetch_history(req, &reader, &page));
    return respond_event_page(req, &reader, &page);
}
