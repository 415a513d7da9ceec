/* What other servers may do and see in a room. */
#include "federation/receiver/room_access.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/protocol/history_visibility.h"
#include "homeserver/protocol/server_acl.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/services.h"
#include "storage/partial_state_rooms.h"

enum errcode server_acl_check(struct call *call, struct room *room, const struct room_head *head,
                              const char *server_name, bool *allowed_out)
{
    const struct state_key key = {"m.room.server_acl", ""};
    const struct event *acl;

    TRY(room_head_event(call, room, head, &key, &acl));
    *allowed_out = server_acl_allows(acl, server_name);
    return OK;
}

static enum errcode refuse_unknown(struct call *call)
{
    return fail(call->error, M_NOT_FOUND, "This server is not in the room.");
}

static enum errcode check_we_are_joined(struct call *call, struct room *room)
{
    struct nid_list ours;

    TRY(memberships_of_room(call->db, call->arena, room_nid(room), STORED_JOIN, true, &ours));
    return ours.count > 0 ? OK : refuse_unknown(call);
}

enum errcode server_is_told_of(struct call *call, struct room *room, const char *server_name,
                               bool *out)
{
    struct partial_state_room partial;

    *out = false;
    enum errcode found = partial_state_load(call->db, call->arena, room_nid(room), &partial);
    if (found != OK)
        return found == M_NOT_FOUND ? OK : found;
    for (size_t i = 0; i < partial.server_count && !*out; i++)
        *out = strcmp(partial.servers[i], server_name) == 0;
    return OK;
}

enum errcode server_view_open(struct call *call, const char *id, const char *server_name,
                              struct server_view *out)
{
    bool allowed;

    *out = (struct server_view){.server_name = server_name};
    enum errcode opened = room_open(call, id, &out->room);
    if (opened == M_NOT_FOUND)
        return refuse_unknown(call);
    TRY(opened);
    enum errcode loaded = room_committed_head(call, out->room, &out->head);
    if (loaded == M_NOT_FOUND || (loaded == OK && out->head->create == NULL))
        return refuse_unknown(call);
    TRY(loaded);
    TRY(check_we_are_joined(call, out->room));
    TRY(server_acl_check(call, out->room, out->head, server_name, &allowed));
    if (!allowed)
        return fail(call->error, M_FORBIDDEN, "Your server is banned from this room.");
    TRY(memberships_of_server(call->db, call->arena, room_nid(out->room), server_name,
                              &out->members, &out->member_count));
    out->is_joined = out->member_count > 0 && out->members[0].membership == STORED_JOIN;
    if (!out->is_joined && out->head->is_partial)
        return server_is_told_of(call, out->room, server_name, &out->is_joined);
    return OK;
}

enum errcode server_view_require_members(struct call *call, const struct server_view *view)
{
    return view->head->is_partial ? fail(call->error, M_NOT_FOUND,
                                         "This server has only just joined the room and does not "
                                         "know all of its members yet.")
                                  : OK;
}

enum errcode server_view_open_reader(struct call *call, const char *id, const char *server_name,
                                     struct server_view *out)
{
    TRY(server_view_open(call, id, server_name, out));
    if (out->is_joined || history_visibility_of(cached_event_get(out->head->history_visibility)) ==
                              HISTORY_WORLD_READABLE)
        return OK;
    return fail(call->error, M_FORBIDDEN, "Your server is not in this room.");
}

/* Join before invite before the rest. */
static int rank(enum membership membership)
{
    if (membership == MEMBERSHIP_JOIN)
        return 2;
    return membership == MEMBERSHIP_INVITE ? 1 : 0;
}

static enum errcode look_at_state(struct call *call, const struct server_view *view,
                                  const struct stored_event *stored, bool *visible_out)
{
    const struct state_key visibility_key = {"m.room.history_visibility", ""};
    struct event_reader reader = {.membership_before = MEMBERSHIP_NONE};
    const struct event *event;
    struct state_map *state;

    TRY(room_state_of_snapshot(call, view->room, stored->snapshot_nid, &state));
    TRY(room_state_event(call, view->room, state, &visibility_key, &reader.visibility_before));
    for (size_t i = 0; i < view->member_count; i++) {
        const struct server_member *one = &view->members[i];
        const struct state_key member_key = {"m.room.member", one->user_id};
        const struct event *member;
        TRY(room_state_event(call, view->room, state, &member_key, &member));
        enum membership membership = membership_of(member);
        if (rank(membership) > rank(reader.membership_before))
            reader.membership_before = membership;
        if (one->membership == STORED_JOIN || one->last_join_position > stored->position)
            reader.joined_later = true;
        if (rank(reader.membership_before) == 2)
            break;
    }
    TRY(stored_event_parse(call->arena, room_version_of(view->room), stored, &event));
    *visible_out = server_may_see_event(event, view->server_name, &reader);
    return OK;
}

/* Shared since before the event, and the server is in the room: nothing else matters. */
static bool is_plainly_visible(const struct server_view *view, const struct stored_event *event)
{
    const struct cached_event *set_by = view->head->history_visibility;
    enum history_visibility visibility = history_visibility_of(cached_event_get(set_by));
    int64_t set_at = cached_event_position(set_by);

    return set_at != 0 && event->position > set_at &&
           (visibility == HISTORY_WORLD_READABLE ||
            (visibility == HISTORY_SHARED && view->is_joined));
}

enum errcode server_view_filter(struct call *call, const struct server_view *view,
                                const struct stored_event *events, size_t count, bool *visible_out)
{
    for (size_t i = 0; i < count; i++) {
        bool hidden = events[i].room_nid != room_nid(view->room) ||
                      (events[i].flags & (EVENT_REJECTED | EVENT_OUTLIER)) != 0;
        visible_out[i] = !hidden && is_plainly_visible(view, &events[i]);
        if (!hidden && !visible_out[i])
            TRY(look_at_state(call, view, &events[i], &visible_out[i]));
    }
    return OK;
}

enum errcode server_view_event(struct call *call, const struct server_view *view,
                               const char *event_id, struct stored_event *out)
{
    bool visible = false;

    enum errcode found = event_load_by_id(call->db, call->arena, event_id, out);
    if (found == OK)
        TRY(server_view_filter(call, view, out, 1, &visible));
    if (found == M_NOT_FOUND || (found == OK && !visible))
        return fail(call->error, M_NOT_FOUND, "There is no such event that you may have.");
    return found;
}
