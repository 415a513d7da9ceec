/*
 * The children of an event.
 * Spec: client-server API, "Relationships API" (relations.yaml).
 */
#include "storage/relations.h"

#include <string.h>

#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/event_page.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/rooms/client_events.h"
#include "homeserver/rooms/ignored_senders.h"
#include "homeserver/services.h"
#include "storage/journal.h"

/* Spec: at least three levels; nobody relates deeper than thread, reply, edit. */
enum { LIMIT_DEFAULT = 20, LIMIT_MAX = 500, RECURSION_DEPTH = 3 };

static enum errcode read_position(struct request *req, const char *name, int64_t *out)
{
    const char *text = query_string(req, name);

    if (text == NULL || *text == '\0')
        return OK;
    return page_token_parse(text, journal_position(req->call.services->journal), &req->error, out);
}

static enum errcode read_query(struct request *req, const struct room_reader *reader,
                               struct children_query *query)
{
    bool recurse;

    query->room_nid = room_nid(reader->room);
    TRY(query_direction(req, true, &query->backwards));
    query->after = INT64_MIN;
    query->until = reader->until;
    TRY(read_position(req, query->backwards ? "to" : "from", &query->after));
    TRY(read_position(req, query->backwards ? "from" : "to", &query->until));
    if (query->until > reader->until)
        query->until = reader->until;
    TRY(query_int(req, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX, &query->limit));
    TRY(query_bool(req, "recurse", false, &recurse));
    query->depth_max = recurse ? RECURSION_DEPTH : 1;
    return OK;
}

static void reverse(struct stored_event *events, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct stored_event swapped = events[i];
        events[i] = events[count - 1 - i];
        events[count - 1 - i] = swapped;
    }
}

static void write_tokens(struct request *req, const struct children_query *query,
                         const struct stored_event *last, struct strbuf *body)
{
    const char *from = query_string(req, "from");

    if (last != NULL) {
        int64_t next = query->backwards ? last->position - 1 : last->position;
        strbuf_printf(body, ",\"next_batch\":\"%s\"", page_token_format(req->call.arena, next));
    }
    if (from != NULL && *from != '\0') {
        int64_t start = query->backwards ? query->until : query->after;
        strbuf_printf(body, ",\"prev_batch\":\"%s\"", page_token_format(req->call.arena, start));
    }
    if (query->depth_max > 1)
        strbuf_printf(body, ",\"recursion_depth\":%d", RECURSION_DEPTH);
}

/* One more than asked for is looked up: it tells whether there is another page. */
static enum errcode write_children(struct request *req, const struct room_reader *reader,
                                   const struct children_query *query, struct strbuf *body)
{
    const struct client_events how = {
        .reader = reader, .with_room_id = true, .with_relations = true};
    struct children_query wider = *query;
    struct stored_event *events, last = {0};
    struct nid_list nids;
    size_t count;

    wider.limit++;
    TRY(relations_children(req->call.db, req->call.arena, &wider, &nids));
    bool has_more = nids.count > (size_t)query->limit;
    nids.count -= has_more ? 1 : 0;
    TRY(events_load(req->call.db, req->call.arena, nids.items, nids.count, &events, &count));
    if (query->backwards)
        reverse(events, count);
    if (count > 0)
        last = events[count - 1];
    TRY(visibility_filter(&req->call, reader, events, &count));
    TRY(ignored_senders_drop(&req->call, req->requester.user_nid, events, &count));
    strbuf_add_string(body, "{\"chunk\":[");
    TRY(client_events_write(&req->call, &how, events, count, body));
    strbuf_add_char(body, ']');
    write_tokens(req, query, has_more ? &last : NULL, body);
    strbuf_add_char(body, '}');
    return OK;
}

static enum errcode respond_children(struct request *req, const char *rel_type,
                                     const char *event_type)
{
    struct children_query query = {.rel_type = rel_type, .event_type = event_type};
    struct room_reader reader;
    struct stored_event parent;
    struct strbuf body;
    const char *room_id;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(path_event_id(req, "eventId", &query.parent_id));
    TRY(room_reader_make(&req->call, room_id, &req->requester, &reader));
    TRY(visible_event_load(&req->call, &reader, query.parent_id, &parent));
    TRY(read_query(req, &reader, &query));
    strbuf_init(&body, 0);
    enum errcode written = write_children(req, &reader, &query, &body);
    if (written == OK)
        written = respond_written(req, &body);
    strbuf_finish(&body);
    return written;
}

/* GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId} */
enum errcode client_get_relating_events(struct request *req)
{
    return respond_children(req, NULL, NULL);
}

/* GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType} */
enum errcode client_get_relating_events_with_rel_type(struct request *req)
{
    const char *rel_type;

    TRY(path_string(req, "relType", &rel_type));
    return respond_children(req, rel_type, NULL);
}

/* GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}/{eventType} */
enum errcode client_get_relating_events_with_rel_type_and_event_type(struct request *req)
{
    const char *rel_type, *event_type;

    TRY(path_string(req, "relType", &rel_type));
    TRY(path_string(req, "eventType", &event_type));
    return respond_children(req, rel_type, event_type);
}
