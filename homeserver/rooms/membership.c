/*
 * Changes of membership by local users.
 * Spec: client-server API, "Room membership".
 */
#include "homeserver/rooms/membership.h"

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/invite_permission.h"
#include "homeserver/rooms/restricted_join.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/rooms/send_event.h"
#include "homeserver/rooms/stripped_state.h"
#include "homeserver/services.h"
#include "storage/memberships.h"
#include "storage/profiles.h"
#include "storage/rooms.h"
#include "storage/users.h"

static bool is(const char *text, const char *wanted)
{
    return text != NULL && strcmp(text, wanted) == 0;
}

/* Members show the profile they had when they came; an invite shows its target's. */
static enum errcode add_profile(struct call *call, const char *user_id, json_t *content)
{
    const struct config *config = config_current(call->services->config);
    struct profile_summary profile;
    int64_t user_nid;

    if (!config_hosts_user(config, user_id))
        return OK;
    TRY(user_nid_intern(call->db, call->arena, user_id, &user_nid));
    TRY(profile_load_summary(call->db, call->arena, user_nid, &profile));
    if (profile.display_name != NULL && json_object_get(content, "displayname") == NULL)
        json_object_set_new(content, "displayname", json_string(profile.display_name));
    if (profile.avatar_url != NULL && json_object_get(content, "avatar_url") == NULL)
        json_object_set_new(content, "avatar_url", json_string(profile.avatar_url));
    return OK;
}

/* A restricted room lets members of other rooms in when one of its own users vouches for them. */
static enum errcode add_authoriser(struct call *call, const struct room_build *build,
                                   const struct membership_change *change, const char *current,
                                   json_t *content)
{
    const struct event *rules = cached_event_get(build->head->join_rules);
    const char *rule = rules != NULL ? json_get_string(rules->content, "join_rule") : NULL;
    bool satisfied, undecided;
    const char *authoriser;

    if (is(current, "invite") || is(current, "join"))
        return OK;
    if (!(is(rule, "restricted") && room_version_of(build->room)->restricted_join) &&
        !(is(rule, "knock_restricted") && room_version_of(build->room)->knock_restricted))
        return OK;
    TRY(restricted_join_satisfied(call, rules, change->requester->user_nid, &satisfied,
                                  &undecided));
    if (!satisfied && undecided)
        return fail(call->error, M_UNABLE_TO_AUTHORISE_JOIN,
                    "This server is not in the rooms whose members may join.");
    if (!satisfied)
        return fail(call->error, M_FORBIDDEN,
                    "You are in none of the rooms whose members may join this room.");
    TRY(restricted_join_authoriser(call, build->room, build->head, &authoriser));
    if (authoriser == NULL)
        return fail(call->error, M_UNABLE_TO_GRANT_JOIN,
                    "Nobody on this server can let you into this room.");
    json_object_set_new(content, "join_authorised_via_users_server", json_string(authoriser));
    return OK;
}

static enum errcode make_content(struct call *call, const struct room_build *build,
                                 const struct membership_change *change, const char *current,
                                 json_t **out)
{
    json_t *content = json_on_arena(
        call->arena, change->content != NULL ? json_copy(change->content) : json_object());

    /* Who vouches for a join is for us to say: other servers refuse the event when the named user's
     * server has not signed it. */
    json_object_del(content, "join_authorised_via_users_server");
    json_object_set_new(content, "membership", json_string(change->membership));
    if (change->reason != NULL)
        json_object_set_new(content, "reason", json_string(change->reason));
    if (is(change->membership, "join") || is(change->membership, "invite") ||
        is(change->membership, "knock"))
        TRY(add_profile(call, change->target, content));
    if (is(change->membership, "join"))
        TRY(add_authoriser(call, build, change, current, content));
    if (change->is_direct && is(change->membership, "invite"))
        json_object_set_new(content, "is_direct", json_true());
    *out = content;
    return OK;
}

/* Spec: a guest joins only where guests may. */
static enum errcode check_guest(struct call *call, const struct room_build *build,
                                const struct membership_change *change)
{
    const struct state_key key = {"m.room.guest_access", ""};
    const struct event *access;

    if (!change->requester->is_guest || !is(change->membership, "join"))
        return OK;
    TRY(room_head_event(call, build->room, build->head, &key, &access));
    if (access == NULL || !is(json_get_string(access->content, "guest_access"), "can_join"))
        return fail(call->error, M_GUEST_ACCESS_FORBIDDEN, "Guests may not join this room.");
    return OK;
}

/* What the auth rules do not say, because it does no harm in the room's graph. */
static enum errcode check_sense(struct call *call, const struct room_build *build,
                                const struct membership_change *change, const char *current)
{
    bool is_own = is(change->target, change->requester->user_id);
    const char *own = current;

    if (!is(change->membership, "leave"))
        return OK;
    /* Who is not there does not learn who else is not. */
    if (!is_own)
        TRY(room_head_membership(call, build->room, build->head, change->requester->user_id, &own));
    if (own == NULL || (!is_own && !is(own, "join")))
        return fail(call->error, M_FORBIDDEN, "You are not in this room.");
    if (!is_own && (current == NULL || is(current, "leave")))
        return fail(call->error, M_FORBIDDEN, "%s is not in this room.", change->target);
    return OK;
}

static enum errcode make_stripped_state(struct call *call, const struct room_build *build,
                                        const struct membership_change *change, const char **out)
{
    json_t *events;

    *out = NULL;
    if (!is(change->membership, "invite") && !is(change->membership, "knock"))
        return OK;
    TRY(stripped_state_make(call, build->room, build->head,
                            is(change->membership, "invite") ? change->requester->user_id : NULL,
                            &events));
    *out = json_compact(call->arena, events);
    return *out != NULL ? OK : E_SYSTEM;
}

/* The draft of a change; `event_id_out` is set instead when there is nothing to do. */
static enum errcode make_draft(struct call *call, struct room_build *build,
                               const struct membership_change *change, struct event_draft *out,
                               const char **event_id_out)
{
    const struct state_key member_key = {"m.room.member", change->target};
    const struct event *member;
    const char *current;

    *event_id_out = NULL;
    *out = (struct event_draft){
        .type = "m.room.member",
        .sender = change->requester->user_id,
        .sender_nid = change->requester->user_nid,
        .origin_server_ts = change->origin_server_ts,
        .state_key = change->target,
    };
    TRY(room_head_event(call, build->room, build->head, &member_key, &member));
    current = member != NULL ? event_membership(member) : NULL;
    /* Joining twice, or leaving twice, is not an event: the first answer is still true. */
    if (change->content == NULL && is(change->target, change->requester->user_id) &&
        is(current, change->membership) && !is(current, "invite")) {
        *event_id_out = member->event_id;
        return OK;
    }
    TRY(check_sense(call, build, change, current));
    if (is(change->membership, "invite"))
        TRY(invite_permission_check(call, change->target, change->requester->user_id));
    TRY(check_guest(call, build, change));
    TRY(make_content(call, build, change, current, &out->content));
    return make_stripped_state(call, build, change, &out->stripped_state);
}

enum errcode membership_draft(struct call *call, struct room_build *build,
                              const struct membership_change *change, struct event_draft *out)
{
    const char *event_id;

    return make_draft(call, build, change, out, &event_id);
}

enum errcode membership_change_in(struct call *call, struct room_build *build,
                                  const struct membership_change *change, const char **event_id_out)
{
    struct event_draft draft;

    TRY(make_draft(call, build, change, &draft, event_id_out));
    if (*event_id_out != NULL)
        return OK;
    return room_append_event(call, build, &draft, event_id_out);
}

enum errcode membership_change(struct call *call, const char *room_id,
                               const struct membership_change *change, const char **event_id_out)
{
    SCOPED(room_build_end) struct room_build build = {0};
    struct room *room;

    TRY(room_open(call, room_id, &room));
    TRY(room_build_begin(call, room, &build));
    return membership_change_in(call, &build, change, event_id_out);
}

/* One room's share of a change that touches all rooms of a user. Refusals of the room (M_*) are its
 * own affair; only failures of our surroundings stop the rest. */
static enum errcode change_in_room(struct call *call, int64_t room_nid,
                                   const struct membership_change *change)
{
    SCOPED(room_build_end) struct room_build build = {0};
    const char *event_id;
    struct room *room;

    enum errcode opened = room_open_by_nid(call, room_nid, &room);
    if (opened == M_NOT_FOUND)
        return OK;
    TRY(opened);
    TRY(room_build_begin(call, room, &build));
    enum errcode changed = membership_change_in(call, &build, change, &event_id);
    if (errcode_is_internal(changed))
        return changed;
    error_clear(call->error);
    return OK;
}

enum errcode rooms_update_member_profile(struct call *call, const struct requester *requester)
{
    const struct membership_change change = {
        .requester = requester,
        .target = requester->user_id,
        .membership = "join",
        .content = json_on_arena(call->arena, json_object()),
    };
    struct membership_row *rows;
    size_t count;

    TRY(memberships_of_user(call->db, call->arena, requester->user_nid, false, &rows, &count));
    for (size_t i = 0; i < count; i++) {
        if (rows[i].membership == STORED_JOIN)
            TRY(change_in_room(call, rows[i].room_nid, &change));
    }
    return OK;
}

enum errcode rooms_leave_all(struct call *call, const struct requester *requester)
{
    const struct membership_change change = {
        .requester = requester,
        .target = requester->user_id,
        .membership = "leave",
    };
    struct membership_row *rows;
    size_t count;

    TRY(memberships_of_user(call->db, call->arena, requester->user_nid, false, &rows, &count));
    for (size_t i = 0; i < count; i++) {
        if (rows[i].membership != STORED_LEAVE && rows[i].membership != STORED_BAN)
            TRY(change_in_room(call, rows[i].room_nid, &change));
    }
    return OK;
}
