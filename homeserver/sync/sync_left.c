/* The `leave` section: rooms that the user has left, or was removed from, since the last sync. */
#include "homeserver/base/arena.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/sync/sync_internal.h"

static enum errcode open_room(struct sync *sync, const struct user_room *info,
                              struct sync_room *room)
{
    struct room_head *head;

    *room = (struct sync_room){.reader = {.requester = sync->request->requester,
                                          .membership = info->membership,
                                          .until = info->membership.position}};
    TRY(room_open_by_nid(sync->call, info->membership.room_nid, &room->reader.room));
    TRY(room_committed_head(sync->call, room->reader.room, &head));
    room->reader.head = head;
    room->is_full = sync->since == 0;
    room->all_state = sync->request->full_state;
    room->since = sync->since;
    room->limit = sync_timeline_limit(sync);
    /* Who was never in the room sees nothing of it but how the invite ended. */
    room->after = info->membership.last_join_position == 0 ? info->membership.position - 1
                  : sync->since > 0                        ? sync->since
                                                           : INT64_MIN;
    return OK;
}

/* An invite or a knock to a room that was never here: all that is known is how it ended. */
static enum errcode write_ending(struct sync *sync, const struct sync_room *room,
                                 struct strbuf *out)
{
    sync_begin_member(out, room_id(room->reader.room));
    strbuf_add_char(out, '{');
    sync_begin_member(out, "timeline");
    strbuf_printf(out, "{\"limited\":false,\"prev_batch\":\"%s\",\"events\":[",
                  page_token_format(sync->call->arena, sync->until));
    TRY(sync_write_stripped(sync, &room->reader.membership, out));
    strbuf_add_string(out, "]}}");
    return OK;
}

static enum errcode write_room(struct sync *sync, struct sync_room *room, struct strbuf *out)
{
    int64_t until = sync->until;

    if (room->reader.membership.event_nid == 0)
        return write_ending(sync, room, out);
    /* The timeline ends where the user left. */
    sync->until = room->reader.until;
    enum errcode loaded = sync_load_timelines(sync, room, 1);
    sync->until = until;
    TRY(loaded);
    room->tells_state = room->reader.membership.last_join_position > 0;
    TRY(sync_prepare_timelines(sync, room, 1));
    TRY(sync_prepare_states(sync, room, 1));
    sync_begin_member(out, room_id(room->reader.room));
    strbuf_add_char(out, '{');
    TRY(sync_write_timeline(sync, room, out));
    if (room->tells_state)
        TRY(sync_write_state(sync, room, out));
    strbuf_add_char(out, '}');
    return OK;
}

enum errcode sync_write_left(struct sync *sync, struct sync_selection left, struct strbuf *out)
{
    for (size_t i = 0; i < left.count; i++) {
        struct sync_room room;
        enum errcode opened = open_room(sync, left.rooms[i], &room);
        if (opened == M_NOT_FOUND)
            continue;
        TRY(opened);
        if (filter_passes_room(sync->request->filter, room_id(room.reader.room)))
            TRY(write_room(sync, &room, out));
    }
    return OK;
}
