/* Who may read what in a room. */
#include "homeserver/rooms/visibility.h"

#include "homeserver/base/arena.h"
#include "homeserver/protocol/history_visibility.h"
#include "homeserver/protocol/membership.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/services.h"
#include "storage/journal.h"

static enum errcode refuse(struct call *call)
{
    return fail(call->error, M_FORBIDDEN, "You are not in this room, or it does not exist.");
}

static enum history_visibility current_visibility(const struct room_head *head)
{
    return history_visibility_of(cached_event_get(head->history_visibility));
}

static enum errcode find_membership(struct call *call, const struct room_reader *reader,
                                    struct membership_row *out)
{
    enum errcode found = membership_load(call->db, call->arena, room_nid(reader->room),
                                         reader->requester->user_nid, out);

    if (found == M_NOT_FOUND) {
        *out = (struct membership_row){0};
        return OK;
    }
    return found;
}

static enum errcode open_room(struct call *call, const char *id, const struct requester *requester,
                              struct room_reader *out)
{
    struct room_head *head;

    *out = (struct room_reader){.requester = requester};
    enum errcode opened = room_open(call, id, &out->room);
    if (opened == M_NOT_FOUND)
        return refuse(call);
    TRY(opened);
    out->until = journal_position(call->services->journal);
    enum errcode loaded = room_committed_head(call, out->room, &head);
    if (loaded == M_NOT_FOUND)
        return refuse(call);
    TRY(loaded);
    out->head = head;
    return find_membership(call, out, &out->membership);
}

enum errcode room_reader_make(struct call *call, const char *id, const struct requester *requester,
                              struct room_reader *out)
{
    TRY(open_room(call, id, requester, out));
    if (out->membership.membership == STORED_JOIN ||
        current_visibility(out->head) == HISTORY_WORLD_READABLE)
        return OK;
    bool was_joined = out->membership.last_join_position > 0;
    if (!was_joined || out->membership.is_forgotten)
        return refuse(call);
    out->until = out->membership.position;
    return OK;
}

enum errcode room_reader_make_joined(struct call *call, const char *id,
                                     const struct requester *requester, struct room_reader *out)
{
    TRY(open_room(call, id, requester, out));
    return out->membership.membership == STORED_JOIN ? OK : refuse(call);
}

/* Most rooms let members read what was sent since the visibility was last set; then no state need
 * be looked up. */
static bool is_plainly_visible(const struct room_reader *reader, const struct stored_event *event)
{
    enum history_visibility visibility = current_visibility(reader->head);
    int64_t set_at = cached_event_position(reader->head->history_visibility);

    if (set_at == 0 || event->position <= set_at)
        return false;
    return visibility == HISTORY_WORLD_READABLE ||
           (visibility == HISTORY_SHARED &&
            event->position <= reader->membership.last_join_position) ||
           (reader->membership.membership == STORED_JOIN &&
            event->position > reader->membership.position);
}

static enum errcode look_at_state(struct call *call, const struct room_reader *reader,
                                  const struct stored_event *stored, bool *visible_out)
{
    const struct state_key visibility_key = {"m.room.history_visibility", ""};
    const struct state_key member_key = {"m.room.member", reader->requester->user_id};
    const struct event *event, *member;
    struct event_reader at_event = {
        /* Who is in the room sees what comes of a branch that is not aware of their join. */
        .joined_later = reader->membership.membership == STORED_JOIN ||
                        stored->position < reader->membership.last_join_position,
    };
    struct state_map *state;

    TRY(room_state_of_snapshot(call, reader->room, stored->snapshot_nid, &state));
    TRY(room_state_event(call, reader->room, state, &visibility_key, &at_event.visibility_before));
    TRY(room_state_event(call, reader->room, state, &member_key, &member));
    at_event.membership_before = member != NULL ? membership_of(member) : MEMBERSHIP_NONE;
    TRY(event_parse_stored(call->arena, room_version_of(reader->room), stored->event_id,
                           stored->json, stored->json_size, &event));
    *visible_out = user_may_see_event(event, reader->requester->user_id, &at_event);
    return OK;
}

enum errcode visibility_check(struct call *call, const struct room_reader *reader,
                              const struct stored_event *events, size_t count, bool *visible_out)
{
    for (size_t i = 0; i < count; i++) {
        const struct stored_event *event = &events[i];
        bool hidden = event->room_nid != room_nid(reader->room) ||
                      (event->flags & (EVENT_REJECTED | EVENT_OUTLIER)) != 0 ||
                      event->position > reader->until;
        visible_out[i] = !hidden && is_plainly_visible(reader, event);
        if (!hidden && !visible_out[i])
            TRY(look_at_state(call, reader, event, &visible_out[i]));
    }
    return OK;
}

enum errcode visibility_filter(struct call *call, const struct room_reader *reader,
                               struct stored_event *events, size_t *count)
{
    bool *visible = ARENA_ARRAY(call->arena, *count, bool);
    size_t kept = 0;

    TRY(visibility_check(call, reader, events, *count, visible));
    for (size_t i = 0; i < *count; i++) {
        if (visible[i])
            events[kept++] = events[i];
    }
    *count = kept;
    return OK;
}

enum errcode visible_event_load(struct call *call, const struct room_reader *reader,
                                const char *event_id, struct stored_event *out)
{
    bool visible = false;

    enum errcode found = event_load_by_id(call->db, call->arena, event_id, out);
    if (found == OK)
        TRY(visibility_check(call, reader, out, 1, &visible));
    if (found == M_NOT_FOUND || (found == OK && !visible))
        return fail(call->error, M_NOT_FOUND, "There is no such event that you can see.");
    return found;
}

enum errcode room_reader_state(struct call *call, const struct room_reader *reader,
                               struct state_map **out)
{
    struct stored_event leave;
    const struct membership_row *membership = &reader->membership;

    if (membership->membership == STORED_JOIN || membership->last_join_position == 0 ||
        reader->until > membership->position) {
        *out = reader->head->state;
        return OK;
    }
    TRY(event_load(call->db, call->arena, membership->event_nid, &leave));
    return room_state_after(call, reader->room, &leave, out);
}
