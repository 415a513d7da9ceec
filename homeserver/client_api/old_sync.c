/*
 * How clients followed rooms before /sync.
 * Spec: client-server API, "Syncing" (old_sync.yaml), deprecated there.
 */
#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/event_page.h"
#include "homeserver/client_api/event_stream.h"
#include "homeserver/client_api/room_info.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/rooms/client_events.h"
#include "homeserver/services.h"
#include "homeserver/sync/notifier.h"
#include "storage/journal.h"
#include "storage/memberships.h"
#include "storage/rooms.h"

/* The room of an event, to whoever may see it there. */
static enum errcode open_room_of_event(struct request *req, const char *event_id,
                                       struct room_reader *reader, struct stored_event *out)
{
    struct room *room;

    enum errcode found = event_load_by_id(req->call.db, req->call.arena, event_id, out);
    if (found == OK)
        found = room_open_by_nid(&req->call, out->room_nid, &room);
    if (found == OK)
        found = room_reader_make(&req->call, room_id(room), &req->requester, reader);
    if (found == M_NOT_FOUND || found == M_FORBIDDEN)
        return fail(&req->error, M_NOT_FOUND, "There is no such event that you can see.");
    TRY(found);
    return visible_event_load(&req->call, reader, event_id, out);
}

/* GET /_matrix/client/v3/events/{eventId} */
enum errcode client_get_one_event(struct request *req)
{
    struct room_reader reader;
    const struct client_events how = {
        .reader = &reader, .with_room_id = true, .with_relations = true};
    struct stored_event event;
    const char *event_id;
    struct strbuf body;

    TRY(path_event_id(req, "eventId", &event_id));
    TRY(open_room_of_event(req, event_id, &reader, &event));
    strbuf_init(&body, 0);
    enum errcode written = client_events_write(&req->call, &how, &event, 1, &body);
    if (written == OK)
        written = respond_written(req, &body);
    strbuf_finish(&body);
    return written;
}

/* Whom the user is invited to is told by the invite alone. */
static enum errcode write_invite(struct request *req, const struct membership_row *row,
                                 const char *id, struct strbuf *out)
{
    struct stored_event event;
    struct room *room;

    TRY(room_open_by_nid(&req->call, row->room_nid, &room));
    TRY(event_load(req->call.db, req->call.arena, row->event_nid, &event));
    const struct client_event_options options = {
        .version = room_version_of(room),
        .event_id = event.event_id,
        .room_id = id,
    };
    strbuf_add_string(out, "{\"room_id\":");
    strbuf_add_json_string(out, id, strlen(id));
    strbuf_add_string(out, ",\"membership\":\"invite\",\"invite\":");
    TRY(client_event_write(out, event.json, event.json_size, &options));
    strbuf_add_char(out, '}');
    return OK;
}

static enum errcode write_room(struct request *req, const struct membership_row *row,
                               const char *id, int64_t limit, struct strbuf *out)
{
    struct room_reader reader;

    if (row->membership == STORED_INVITE)
        return write_invite(req, row, id, out);
    TRY(room_reader_make(&req->call, id, &req->requester, &reader));
    return room_info_write(req, &reader, limit, out);
}

/* Those that the user left are told only when asked for. */
static bool is_shown(const struct membership_row *row, bool archived)
{
    return row->membership == STORED_JOIN || row->membership == STORED_INVITE ||
           (archived && row->last_join_position > 0);
}

static enum errcode write_rooms(struct request *req, bool archived, int64_t limit,
                                struct strbuf *out)
{
    struct membership_row *rows;
    const char **ids;
    int64_t *nids;
    size_t count;
    bool is_first = true;

    TRY(memberships_of_user(req->call.db, req->call.arena, req->requester.user_nid, false, &rows,
                            &count));
    nids = ARENA_ARRAY(req->call.arena, count, int64_t);
    for (size_t i = 0; i < count; i++)
        nids[i] = rows[i].room_nid;
    TRY(room_ids_load(req->call.db, req->call.arena, nids, count, &ids));
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == NULL || !is_shown(&rows[i], archived))
            continue;
        if (!is_first)
            strbuf_add_char(out, ',');
        TRY(write_room(req, &rows[i], ids[i], limit, out));
        is_first = false;
    }
    return OK;
}

/* GET /_matrix/client/v3/initialSync */
enum errcode client_initial_sync(struct request *req)
{
    int64_t limit, position = journal_position(req->call.services->journal);
    struct strbuf body;
    bool archived;

    TRY(query_int(req, "limit", 10, 1, 100, &limit));
    TRY(query_bool(req, "archived", false, &archived));
    strbuf_init(&body, 0);
    strbuf_printf(&body, "{\"end\":\"%s\",\"presence\":[],\"account_data\":[],\"rooms\":[",
                  page_token_format(req->call.arena, position));
    enum errcode written = write_rooms(req, archived, limit, &body);
    strbuf_add_string(&body, "]}");
    if (written == OK)
        written = respond_written(req, &body);
    strbuf_finish(&body);
    return written;
}

/* The joined rooms in which something happened. */
static enum errcode open_changed_rooms(struct request *req, const struct user_view *view,
                                       int64_t from, struct room_reader **out, size_t *count_out)
{
    struct room_reader *readers =
        ARENA_ARRAY(req->call.arena, view->room_count, struct room_reader);
    size_t count = 0;

    for (size_t i = 0; i < view->room_count; i++) {
        const struct user_room *changed = &view->rooms[i];
        struct room *room;
        if (changed->membership.membership != STORED_JOIN || changed->last_change <= from)
            continue;
        TRY(room_open_by_nid(&req->call, changed->membership.room_nid, &room));
        enum errcode made =
            room_reader_make(&req->call, room_id(room), &req->requester, &readers[count]);
        if (made != OK && made != M_FORBIDDEN)
            return made;
        count += made == OK ? 1 : 0;
    }
    error_clear(&req->error);
    *out = readers;
    *count_out = count;
    return OK;
}

/* GET /_matrix/client/v3/events; with a room_id it is another operation. */
enum errcode client_get_events(struct request *req)
{
    struct event_stream stream;
    struct room_reader *readers;
    struct user_view view;
    struct strbuf body;
    bool is_empty;
    size_t count;

    if (query_string(req, "room_id") != NULL)
        return client_peek_events(req);
    TRY(event_stream_read(req, &stream));
    TRY(notifier_user_view(&req->call, req->requester.user_nid, &view));
    TRY(open_changed_rooms(req, &view, stream.from, &readers, &count));
    strbuf_init(&body, 0);
    enum errcode written = event_stream_write(req, &stream, readers, count, &body, &is_empty);
    bool waits = written == OK && is_empty && stream.timeout_ms > 0 && !req_woken_by_deadline(req);
    if (written == OK && !waits)
        written = respond_written(req, &body);
    strbuf_finish(&body);
    if (!waits)
        return written;
    return req_park(req, notifier_wake_source(req->call.services->notifier),
                    req->requester.user_nid, view.sequence,
                    req_started_ms(req) + stream.timeout_ms);
}
