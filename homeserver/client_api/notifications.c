/* Spec: client-server API, "Listing Notifications" (notifications.yaml). */
#include <inttypes.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/event_page.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/push_rules.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/push/push_actions.h"
#include "homeserver/rooms/client_events.h"
#include "homeserver/rooms/visibility.h"
#include "homeserver/services.h"
#include "storage/events.h"
#include "storage/journal.h"
#include "storage/push_actions.h"
#include "storage/rooms.h"

enum { LIMIT_DEFAULT = 20, LIMIT_MAX = 200 };

static enum errcode read_query(struct request *req, struct notification_query *out)
{
    const char *from = query_string(req, "from");
    const char *only = query_string(req, "only");

    out->user_nid = req->requester.user_nid;
    out->only_highlights = only != NULL && strcmp(only, "highlight") == 0;
    out->before = INT64_MAX;
    if (from != NULL)
        TRY(page_token_parse(from, journal_position(req->call.services->journal), &req->error,
                             &out->before));
    return query_int(req, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX, &out->limit);
}

/* What happened, as JSON text. */
static const char *actions_of(struct request *req, const struct notification *notification)
{
    unsigned flags = notification->has_own ? notification->own_flags
                                           : push_flags_of_event(notification->event_flags);
    struct arena *arena = req->call.arena;

    if (notification->own_actions != NULL)
        return notification->own_actions;
    return json_compact(arena, json_on_arena(arena, push_flags_to_actions(flags)));
}

static void write_frame(const struct notification *notification, const struct stored_event *event,
                        const char *actions, const char *room_id, struct strbuf *out)
{
    strbuf_printf(out, "{\"actions\":%s,\"read\":%s,\"ts\":%" PRId64 ",\"room_id\":", actions,
                  notification->is_read ? "true" : "false", event->origin_server_ts);
    strbuf_add_json_string(out, room_id, strlen(room_id));
    strbuf_add_string(out, ",\"event\":");
}

/* Appends one notification; nothing when the user may not see the event any more. */
static enum errcode write_notification(struct request *req, const struct notification *notification,
                                       const char *room_id, struct strbuf *out)
{
    struct room_reader reader;
    struct stored_event event;
    size_t count = 1;

    TRY(room_reader_make(&req->call, room_id, &req->requester, &reader));
    TRY(event_load(req->call.db, req->call.arena, notification->event_nid, &event));
    TRY(visibility_filter(&req->call, &reader, &event, &count));
    if (count == 0)
        return OK;
    strbuf_add_separator(out);
    write_frame(notification, &event, actions_of(req, notification), room_id, out);
    const struct client_events how = {.reader = &reader};
    TRY(client_events_write(&req->call, &how, &event, 1, out));
    strbuf_add_char(out, '}');
    return OK;
}

static enum errcode write_all(struct request *req, const struct notification *notifications,
                              size_t count, struct strbuf *out)
{
    int64_t *room_nids = ARENA_ARRAY(req->call.arena, count, int64_t);
    const char **room_ids;

    for (size_t i = 0; i < count; i++)
        room_nids[i] = notifications[i].room_nid;
    TRY(room_ids_load(req->call.db, req->call.arena, room_nids, count, &room_ids));
    strbuf_add_string(out, "{\"notifications\":[");
    for (size_t i = 0; i < count; i++) {
        if (room_ids[i] != NULL)
            TRY(write_notification(req, &notifications[i], room_ids[i], out));
    }
    strbuf_add_char(out, ']');
    return OK;
}

/* GET /_matrix/client/v3/notifications */
enum errcode client_get_notifications(struct request *req)
{
    SCOPED(strbuf_finish) struct strbuf body;
    struct notification_query query;
    struct notification *notifications;
    size_t count;

    strbuf_init(&body, 0);
    TRY(read_query(req, &query));
    TRY(notifications_list(req->call.db, req->call.arena, &query, &notifications, &count));
    TRY(write_all(req, notifications, count, &body));
    if ((int64_t)count == query.limit)
        strbuf_printf(&body, ",\"next_token\":\"%s\"",
                      page_token_format(req->call.arena, notifications[count - 1].position));
    strbuf_add_char(&body, '}');
    return respond_written(req, &body);
}
