/* Jumps to a date. */
#include "homeserver/rooms/closest_event.h"

#include "homeserver/base/arena.h"

enum { FIRST_LOOK = 10, LOOK = 200, LOOKS_MAX = 25 };

static enum errcode look(struct call *call, const struct closest_search *search,
                         struct timestamp_search *where, size_t *looked_at_out,
                         const struct stored_event **found_out)
{
    struct stored_event *events;
    bool *visible;
    size_t count;

    TRY(events_closest_to_timestamp(call->db, call->arena, where, &events, &count));
    *looked_at_out = count;
    if (count == 0)
        return OK;
    visible = ARENA_ARRAY(call->arena, count, bool);
    TRY(search->check(call, search->who, events, count, visible));
    for (size_t i = 0; i < count && *found_out == NULL; i++) {
        if (visible[i])
            *found_out = &events[i];
    }
    where->ts = events[count - 1].origin_server_ts;
    where->position = events[count - 1].position;
    return OK;
}

enum errcode closest_event_find(struct call *call, const struct closest_search *search,
                                struct stored_event *out)
{
    struct timestamp_search where = {
        .room_nid = room_nid(search->room),
        .ts = search->ts,
        .position = search->backwards ? INT64_MAX : INT64_MIN,
        .limit = FIRST_LOOK,
        .backwards = search->backwards,
    };
    const struct stored_event *found = NULL;
    size_t looked_at;

    for (int i = 0; i < LOOKS_MAX && found == NULL; i++) {
        int64_t limit = where.limit;
        TRY(look(call, search, &where, &looked_at, &found));
        if (found == NULL && looked_at < (size_t)limit)
            break;
        where.limit = LOOK;
    }
    if (found == NULL)
        return fail(call->error, M_NOT_FOUND, "There is no event on that side of this time.");
    *out = *found;
    return OK;
}
