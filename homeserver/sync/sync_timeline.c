/* The timelines of a /sync answer: newest events first found, one query for many rooms. */
#include "homeserver/base/arena.h"
#include "homeserver/rooms/event_subject.h"
#include "homeserver/rooms/ignored_senders.h"
#include "homeserver/services.h"
#include "homeserver/sync/sync_internal.h"
#include "storage/recent_events.h"

enum { TIMELINE_LIMIT_DEFAULT = 10 };

int64_t sync_timeline_limit(const struct sync *sync)
{
    return event_filter_limit(&sync->request->filter->timeline, TIMELINE_LIMIT_DEFAULT);
}

/* What a room's timeline is cut from. */
struct rows {
    struct stored_event *events;
    size_t count;
    bool is_known;
};

/* One more than is shown tells whether something was left out. */
static bool recall_rows(struct sync *sync, const struct sync_room *room, struct rows *out)
{
    struct call *call = sync->call;
    const struct recent_range range = {
        .room_nid = room_nid(room->reader.room),
        .after = room->after,
        .until = sync->until,
        .limit = room->limit + 1,
    };

    return recent_events_find(call->services->recent_events, call->arena, &range, &out->events,
                              &out->count);
}

/* The others are read in one query. */
static enum errcode read_rows(struct sync *sync, const struct sync_room *rooms, size_t count,
                              struct rows *rows)
{
    struct arena *arena = sync->call->arena;
    int64_t *nids = ARENA_ARRAY(arena, count, int64_t);
    int64_t *after = ARENA_ARRAY(arena, count, int64_t);
    int64_t *limits = ARENA_ARRAY(arena, count, int64_t);
    struct stored_event *events;
    size_t asked = 0, event_count, next = 0;

    for (size_t i = 0; i < count; i++) {
        if (rows[i].is_known)
            continue;
        nids[asked] = room_nid(rooms[i].reader.room);
        after[asked] = rooms[i].after;
        limits[asked++] = rooms[i].limit + 1;
    }
    if (asked == 0)
        return OK;
    const struct rooms_range range = {
        .room_nids = {nids, asked},
        .after = after,
        .limits = limits,
        .until = sync->until,
    };
    TRY(events_of_rooms(sync->call->db, arena, &range, &events, &event_count));
    for (size_t i = 0; i < count; i++) {
        size_t first = next;
        if (rows[i].is_known)
            continue;
        while (next < event_count && events[next].room_nid == room_nid(rooms[i].reader.room))
            next++;
        rows[i] = (struct rows){.events = events + first, .count = next - first};
    }
    return OK;
}

/* A timeline goes on without a hole, else clients would show as one conversation what is not. */
static void cut_at_gap(struct sync_room *room, struct stored_event **events, size_t *count)
{
    for (size_t i = *count; i > 0; i--) {
        if (((*events)[i - 1].flags & EVENT_GAP) == 0)
            continue;
        *events += i - 1;
        *count -= i - 1;
        room->is_limited = true;
        return;
    }
}

static enum errcode fill(struct sync *sync, struct sync_room *room, struct stored_event *events,
                         size_t count)
{
    size_t limit = (size_t)room->limit;
    const char **senders = ARENA_ARRAY(sync->call->arena, count, const char *);

    room->is_limited = count > limit;
    if (room->is_limited) {
        events += count - limit;
        count = limit;
    }
    cut_at_gap(room, &events, &count);
    TRY(visibility_filter(sync->call, &room->reader, events, &count));
    ignored_senders_filter(&sync->ignored, events, &count);
    TRY(events_filter(sync->call, &sync->request->filter->timeline, room_id(room->reader.room),
                      events, &count, senders));
    room->events = events;
    room->event_count = count;
    room->senders = senders;
    return OK;
}

enum errcode sync_load_timelines(struct sync *sync, struct sync_room *rooms, size_t count)
{
    struct rows *rows = ARENA_ARRAY(sync->call->arena, count, struct rows);

    for (size_t i = 0; i < count; i++)
        rows[i].is_known = recall_rows(sync, &rooms[i], &rows[i]);
    TRY(read_rows(sync, rooms, count, rows));
    for (size_t i = 0; i < count; i++)
        TRY(fill(sync, &rooms[i], rows[i].events, rows[i].count));
    return OK;
}

enum errcode sync_prepare_timelines(struct sync *sync, struct sync_room *rooms, size_t count)
{
    struct client_events_list *lists =
        ARENA_ARRAY(sync->call->arena, count, struct client_events_list);

    for (size_t i = 0; i < count; i++) {
        lists[i] = (struct client_events_list){
            .how = {.reader = &rooms[i].reader,
                    .with_relations = rooms[i].is_limited,
                    .format = sync->request->filter->federation_format
                                  ? CLIENT_EVENT_FORMAT_FEDERATION
                                  : CLIENT_EVENT_FORMAT_CLIENT,
                    .filter = sync->request->filter},
            .events = rooms[i].events,
            .count = rooms[i].event_count,
        };
    }
    TRY(client_events_prepare(sync->call, lists, count));
    for (size_t i = 0; i < count; i++)
        rooms[i].timeline = lists[i];
    return OK;
}

enum errcode sync_write_timeline(struct sync *sync, const struct sync_room *room,
                                 struct strbuf *out)
{
    int64_t before = room->event_count > 0 ? room->events[0].position - 1 : sync->until;

    sync_begin_member(out, "timeline");
    strbuf_printf(out, "{\"limited\":%s,\"prev_batch\":\"%s\",\"events\":[",
                  room->is_limited ? "true" : "false",
                  page_token_format(sync->call->arena, before));
    TRY(client_events_write_list(sync->call, &room->timeline, out));
    strbuf_add_string(out, "]}");
    return OK;
}

bool sync_timeline_has_type(const struct sync *sync, const struct sync_room *room, const char *type)
{
    for (size_t i = 0; i < room->event_count; i++) {
        struct event_subject subject;
        if (room->events[i].state_key_nid != 0 &&
            event_subject_read(sync->call, &room->events[i], &subject) == OK &&
            strcmp(subject.type, type) == 0)
            return true;
    }
    return false;
}
