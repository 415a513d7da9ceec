/* The `invite` and `knock` sections: what the user is shown of a room they are not in yet. */
#include "homeserver/base/arena.h"
#include "homeserver/protocol/client_event.h"
#include "homeserver/rooms/ignored_senders.h"
#include "homeserver/rooms/invite_permission.h"
#include "homeserver/sync/sync_internal.h"
#include "storage/rooms.h"

enum errcode sync_load_unwanted_inviters(struct sync *sync, struct sync_selection rooms)
{
    int64_t *senders = ARENA_ARRAY(sync->call->arena, rooms.count, int64_t);
    size_t count = 0;

    for (size_t i = 0; i < rooms.count; i++) {
        if (rooms.rooms[i]->membership.membership == STORED_INVITE)
            senders[count++] = rooms.rooms[i]->membership.sender_nid;
    }
    if (count == 0)
        return OK;
    return unwanted_inviters(sync->call, sync->request->requester->user_nid,
                             (struct nid_list){senders, count}, &sync->unwanted_inviters);
}

bool sync_shows_invite(const struct sync *sync, const struct membership_row *row)
{
    return row->membership != STORED_INVITE ||
           (!ignored_senders_have(&sync->unwanted_inviters, row->sender_nid) &&
            !ignored_senders_have(&sync->ignored, row->sender_nid));
}

enum errcode sync_write_stripped(struct sync *sync, const struct membership_row *row,
                                 struct strbuf *out)
{
    struct stored_event event;
    struct membership_row whole;

    TRY(membership_load(sync->call->db, sync->call->arena, row->room_nid, row->user_nid, &whole));
    /* An array as text: its brackets give way to ours. */
    bool has_state = whole.stripped_state != NULL && whole.stripped_state_size > 2;
    if (has_state)
        strbuf_add(out, whole.stripped_state + 1, whole.stripped_state_size - 2);
    /* From another server, to a room that we are not in: then the event is part of it. */
    if (row->event_nid != 0) {
        if (has_state)
            strbuf_add_char(out, ',');
        TRY(event_load(sync->call->db, sync->call->arena, row->event_nid, &event));
        TRY(client_event_write_stripped(out, event.json, event.json_size, false));
    }
    return OK;
}

enum errcode sync_write_invited(struct sync *sync, struct sync_selection invited,
                                const char *state_name, struct strbuf *out)
{
    int64_t *nids = ARENA_ARRAY(sync->call->arena, invited.count, int64_t);
    const char **room_ids;

    for (size_t i = 0; i < invited.count; i++)
        nids[i] = invited.rooms[i]->membership.room_nid;
    TRY(room_ids_load(sync->call->db, sync->call->arena, nids, invited.count, &room_ids));
    for (size_t i = 0; i < invited.count; i++) {
        const struct membership_row *row = &invited.rooms[i]->membership;
        if (!sync_shows_invite(sync, row))
            continue;
        if (room_ids[i] == NULL || !filter_passes_room(sync->request->filter, room_ids[i]))
            continue;
        sync_begin_member(out, room_ids[i]);
        strbuf_add_char(out, '{');
        sync_begin_member(out, state_name);
        strbuf_add_string(out, "{\"events\":[");
        TRY(sync_write_stripped(sync, row, out));
        strbuf_add_string(out, "]}");
        strbuf_add_char(out, '}');
    }
    return OK;
}
