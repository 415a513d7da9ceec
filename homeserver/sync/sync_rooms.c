/*
 * Which rooms a /sync answer speaks of: found in memory, by comparing the newest change of each of
 * the user's rooms with `since`.
 */
#include "homeserver/base/arena.h"
#include "homeserver/rooms/ignored_senders.h"
#include "homeserver/sync/sync_internal.h"

enum section { JOINED, INVITED, KNOCKED, LEFT, SECTION_COUNT };

static enum section section_of(enum stored_membership membership)
{
    switch (membership) {
    case STORED_JOIN:
        return JOINED;
    case STORED_INVITE:
        return INVITED;
    case STORED_KNOCK:
        return KNOCKED;
    case STORED_LEAVE:
    case STORED_BAN:
        break;
    }
    return LEFT;
}

/* Joined rooms speak when anything changed, the others once, when the membership is new. Rooms left
 * long ago are only told to those who ask for them, in an initial sync. */
static bool is_selected(const struct sync *sync, const struct user_room *room)
{
    const struct sync_request *request = sync->request;
    bool is_new = room->membership.position > sync->since;

    switch (section_of(room->membership.membership)) {
    case JOINED:
        return sync->since == 0 || request->full_state || room->last_change > sync->since ||
               sync_has_account_data(sync, room->membership.room_nid) ||
               sync_typing_changed(sync, room->membership.room_nid);
    case LEFT:
        return sync->since == 0 ? request->filter->include_leave && !room->membership.is_forgotten
                                : is_new;
    case INVITED:
    case KNOCKED:
    case SECTION_COUNT:
        break;
    }
    return sync->since == 0 || is_new;
}

/* Spec: "Ignoring Users", "Invite permission". Looked up only when there is something to leave out,
 * so that an idle sync costs nothing. */
static enum errcode load_unwanted(struct sync *sync, bool has_joined, struct sync_selection invited)
{
    int64_t user_nid = sync->request->requester->user_nid;

    if (sync->known != NULL)
        sync->ignored = (struct nid_list){sync->known->ignored, sync->known->ignored_count};
    else if (has_joined || invited.count > 0 || sync->request->requester->device_id != NULL)
        TRY(ignored_senders_load(sync->call, user_nid, &sync->ignored));
    return sync_load_unwanted_inviters(sync, invited);
}

static enum errcode write_section(struct sync *sync, enum section section,
                                  struct sync_selection selection, struct strbuf *out)
{
    switch (section) {
    case JOINED:
        return sync_write_joined(sync, selection, out);
    case INVITED:
        return sync_write_invited(sync, selection, "invite_state", out);
    case KNOCKED:
        return sync_write_invited(sync, selection, "knock_state", out);
    case LEFT:
    case SECTION_COUNT:
        break;
    }
    return sync_write_left(sync, selection, out);
}

enum errcode sync_write_rooms(struct sync *sync, struct strbuf *out)
{
    static const char *const names[SECTION_COUNT] = {
        [JOINED] = "join", [INVITED] = "invite", [KNOCKED] = "knock", [LEFT] = "leave"};
    struct sync_selection selections[SECTION_COUNT];
    size_t start = out->length;
    bool any = false;

    for (size_t i = 0; i < SECTION_COUNT; i++)
        selections[i] = (struct sync_selection){
            ARENA_ARRAY(sync->call->arena, sync->view.room_count, const struct user_room *), 0};
    for (size_t i = 0; i < sync->view.room_count; i++) {
        const struct user_room *room = &sync->view.rooms[i];
        struct sync_selection *selection = &selections[section_of(room->membership.membership)];
        if (is_selected(sync, room))
            selection->rooms[selection->count++] = room;
    }

    TRY(load_unwanted(sync, selections[JOINED].count > 0, selections[INVITED]));
    sync_begin_member(out, "rooms");
    strbuf_add_char(out, '{');
    for (enum section section = 0; section < SECTION_COUNT; section++) {
        size_t section_start = out->length;
        if (selections[section].count == 0)
            continue;
        sync_begin_member(out, names[section]);
        strbuf_add_char(out, '{');
        TRY(write_section(sync, section, selections[section], out));
        if (out->data[out->length - 1] == '{') {
            strbuf_truncate(out, section_start);
            continue;
        }
        strbuf_add_char(out, '}');
        any = true;
    }
    strbuf_add_char(out, '}');
    if (any)
        sync->is_empty = false;
    else
        strbuf_truncate(out, start);
    return OK;
}
