/* The `join` section: rooms that the user is in. */
#include "homeserver/base/arena.h"
#include "homeserver/rooms/event_subject.h"
#include "homeserver/services.h"
#include "homeserver/sync/sync_internal.h"
#include "storage/state_keys.h"

/* Timelines and the rest are read for so many rooms at once: memory stays bounded while a large
 * account syncs for the first time. */
enum { ROOMS_AT_ONCE = 100 };

/* Whether the user was joined at `since`: only then does the client know the room. */
static enum errcode was_joined(struct sync *sync, const struct sync_room *room, bool *out)
{
    struct call *call = sync->call;
    struct stored_event *events;
    int64_t key_nid;
    size_t count;

    *out = false;
    TRY(state_key_find(room_service_state_keys(call->services->rooms), call->db, "m.room.member",
                       sync->request->requester->user_id, &key_nid));
    int64_t nid = room_nid(room->reader.room);
    TRY(events_of_state_key(call->db, call->arena, (struct nid_list){&nid, 1}, key_nid, &events,
                            &count));
    for (size_t i = 0; i < count && events[i].position <= sync->since; i++) {
        const char *membership;
        TRY(event_subject_membership(call, &events[i], &membership));
        *out = membership != NULL && strcmp(membership, "join") == 0;
    }
    return OK;
}

/* Rooms whose members are not all known yet are only told to clients that do not want to know all
 * members either. The others are told when all are there (MSC3902). */
static bool tells_partial_rooms(const struct sync *sync)
{
    return sync->request->filter->state.lazy_load_members;
}

/* Whether the members came after the last answer: then the whole state is news, as far as the
 * client wants it. */
static bool was_completed(const struct sync *sync, const struct room_head *head)
{
    return sync->since > 0 && head->completed_position > sync->since;
}

static enum errcode open_room(struct sync *sync, const struct user_room *info,
                              struct sync_room *room)
{
    struct room_head *head;
    bool known = sync->since > 0;

    *room = (struct sync_room){.reader = {.requester = sync->request->requester,
                                          .membership = info->membership,
                                          .until = sync->until}};
    TRY(room_open_by_nid(sync->call, info->membership.room_nid, &room->reader.room));
    TRY(room_committed_head(sync->call, room->reader.room, &head));
    room->reader.head = head;
    if (known && info->membership.position > sync->since)
        TRY(was_joined(sync, room, &known));
    if (was_completed(sync, head)) {
        known = known && tells_partial_rooms(sync);
        room->all_state = true;
    }
    room->all_state |= sync->request->full_state;
    room->is_full = !known;
    room->since = sync->since;
    room->other_change = info->last_other_change;
    room->only_messages = known && !room->all_state && info->last_other_change <= sync->since;
    room->after = known ? sync->since : INT64_MIN;
    room->limit = sync_timeline_limit(sync);
    return OK;
}

/* What is read for several rooms in one query each. */
struct shared_lists {
    struct receipt_list receipts;
    struct unread_list unread;
};

static enum errcode write_room(struct sync *sync, const struct sync_room *room,
                               const struct shared_lists *lists, struct strbuf *out)
{
    size_t start = out->length, body;

    sync_begin_member(out, room_id(room->reader.room));
    strbuf_add_char(out, '{');
    body = out->length;
    if (room->tells_state) {
        TRY(sync_write_timeline(sync, room, out));
        TRY(sync_write_state(sync, room, out));
        sync_write_summary(room, out);
    }
    TRY(sync_write_ephemeral(sync, room, &lists->receipts, out));
    TRY(sync_write_account_data(sync, room_nid(room->reader.room), room_id(room->reader.room),
                                out));
    sync_write_unread(sync, room, &lists->unread, out);
    if (out->length == body)
        strbuf_truncate(out, start);
    else
        strbuf_add_char(out, '}');
    return OK;
}

static enum errcode write_some(struct sync *sync, struct sync_selection joined, struct strbuf *out)
{
    struct sync_room *rooms = ARENA_ARRAY(sync->call->arena, joined.count, struct sync_room);
    struct shared_lists lists;
    size_t count = 0;

    for (size_t i = 0; i < joined.count; i++) {
        enum errcode opened = open_room(sync, joined.rooms[i], &rooms[count]);
        if (opened == M_NOT_FOUND)
            continue; /* deleted meanwhile */
        TRY(opened);
        if (rooms[count].reader.head->is_partial && !tells_partial_rooms(sync))
            continue;
        if (filter_passes_room(sync->request->filter, room_id(rooms[count].reader.room)))
            count++;
    }
    TRY(sync_load_timelines(sync, rooms, count));
    TRY(sync_load_receipts(sync, rooms, count, &lists.receipts));
    TRY(sync_load_unread(sync, rooms, count, &lists.receipts, &lists.unread));
    for (size_t i = 0; i < count; i++)
        rooms[i].tells_state = rooms[i].is_full || rooms[i].all_state || rooms[i].event_count > 0 ||
                               rooms[i].is_limited;
    TRY(sync_load_heroes(sync, rooms, count));
    TRY(sync_prepare_timelines(sync, rooms, count));
    TRY(sync_prepare_states(sync, rooms, count));
    for (size_t i = 0; i < count; i++)
        TRY(write_room(sync, &rooms[i], &lists, out));
    return OK;
}

enum errcode sync_write_joined(struct sync *sync, struct sync_selection joined, struct strbuf *out)
{
    while (joined.count > 0) {
        size_t now = joined.count < ROOMS_AT_ONCE ? joined.count : ROOMS_AT_ONCE;
        TRY(write_some(sync, (struct sync_selection){joined.rooms, now}, out));
        joined.rooms += now;
        joined.count -= now;
    }
    return OK;
}
