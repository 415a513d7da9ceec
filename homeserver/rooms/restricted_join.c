/* Joining restricted rooms. */
#include "homeserver/rooms/restricted_join.h"

#include "homeserver/protocol/json.h"
#include "homeserver/rooms/room_state.h"
#include "storage/memberships.h"
#include "storage/rooms.h"
#include "storage/users.h"

enum { ALLOW_CONDITIONS_MAX = 100 };

enum errcode restricted_join_satisfied(struct call *call, const struct event *join_rules,
                                       int64_t user_nid, bool *satisfied_out, bool *undecided_out)
{
    json_t *conditions = json_get_array(join_rules->content, "allow"), *condition;
    size_t i;

    *satisfied_out = *undecided_out = false;
    json_array_foreach (conditions, i, condition) {
        const char *type = json_get_string(condition, "type");
        const char *allowed_room = json_get_string(condition, "room_id");
        struct membership_row membership;
        struct nid_list ours;
        struct room *room;

        if (i == ALLOW_CONDITIONS_MAX)
            return OK;
        if (type == NULL || strcmp(type, "m.room_membership") != 0 || allowed_room == NULL)
            continue;
        enum errcode opened = room_open(call, allowed_room, &room);
        if (opened == M_NOT_FOUND) {
            *undecided_out = true;
            continue;
        }
        TRY(opened);
        /* Of a room that we have left we do not know who is in it now. */
        TRY(memberships_of_room(call->db, call->arena, room_nid(room), STORED_JOIN, true, &ours));
        if (ours.count == 0) {
            *undecided_out = true;
            continue;
        }
        enum errcode found =
            membership_load(call->db, call->arena, room_nid(room), user_nid, &membership);
        if (found == OK && membership.membership == STORED_JOIN) {
            *satisfied_out = true;
            return OK;
        }
        if (found != OK && found != M_NOT_FOUND)
            return found;
    }
    return OK;
}

enum errcode restricted_join_authoriser(struct call *call, struct room *room,
                                        const struct room_head *head, const char **out)
{
    const struct power_levels levels = room_head_power_levels(room, head);
    struct nid_list members;
    const char **user_ids;

    *out = NULL;
    TRY(memberships_of_room(call->db, call->arena, room_nid(room), STORED_JOIN, true, &members));
    TRY(user_ids_load(call->db, call->arena, members.items, members.count, &user_ids));
    for (size_t i = 0; i < members.count; i++) {
        if (power_levels_user(&levels, user_ids[i]) >= power_levels_action(&levels, POWER_INVITE)) {
            *out = user_ids[i];
            return OK;
        }
    }
    return OK;
}
