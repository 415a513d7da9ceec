/* The timelines of a /sync answer: newest events first found, one query for many rooms. */
#include "homeserver/base/arena.h"
#include "homeserver/rooms/client_events.h"
#include "homeserver/rooms/event_subject.h"
#include "homeserver/rooms/ignored_senders.h"
#include "homeserver/sync/sync_internal.h"

enum { TIMELINE_LIMIT_DEFAULT = 10 };

int64_t sync_timeline_limit(const struct sync *sync)
{
    return event_filter_limit(&sync->request->filter->timeline, TIMELINE_LIMIT_DEFAULT);
}

/* One more than is shown tells whether something was left out. */
static enum errcode load_rows(struct sync *sync, const struct sync_room *rooms, size_t count,
                              struct stored_event **events_out, size_t *event_count_out)
{
    struct arena *arena = sync->call->arena;
    int64_t *nids = ARENA_ARRAY(arena, count, int64_t);
    int64_t *after = ARENA_ARRAY(arena, count, int64_t);
    int64_t *limits = ARENA_ARRAY(arena, count, int64_t);

    for (size_t i = 0; i < count; i++) {
        nids[i] = room_nid(rooms[i].reader.room);
        after[i] = rooms[i].after;
        limits[i] = rooms[i].limit + 1;
    }
    const struct rooms_range range = {
        .room_nids = {nids, count},
        .after = after,
        .limits = limits,
        .until = sync->until,
    };
    return events_of_rooms(sync->call->db, arena, &range, events_out, event_count_out);
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
    struct stored_event *events;
    size_t event_count, next = 0;

    TRY(load_rows(sync, rooms, count, &events, &event_count));
    for (size_t i = 0; i < count; i++) {
        size_t first = next;
        while (next < event_count && events[next].room_nid == room_nid(rooms[i].reader.room))
            next++;
        TRY(fill(sync, &rooms[i], events + first, next - first));
    }
    return OK;
}

enum errcode sync_write_timeline(struct sync *sync, const struct sync_room *room,
                                 struct strbuf *out)
{
    const struct client_events how = {
        .reader = &room->reader,
        .with_relations = room->is_limited,
        .format = sync->request->filter->federation_format ? CLIENT_EVENT_FORMAT_FEDERATION
                                                           : CLIENT_EVENT_FORMAT_CLIENT,
        .filter = sync->request->filter,
    };
    int64_t before = room->event_count > 0 ? room->events[0].position - 1 : sync->until;

    sync_begin_member(out, "timeline");
    strbuf_printf(out, "{\"limited\":%s,\"prev_batch\":\"%s\",\"events\":[",
                  room->is_limited ? "true" : "false",
                  page_token_format(sync->call->arena, before));
    TRY(client_events_write(sync->call, &how, room->events, room->event_count, out));
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
