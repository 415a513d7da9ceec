/* Guests leave where they are not welcome any more. */
#include "homeserver/rooms/guests.h"

#include <string.h>

#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/event_draft.h"
#include "homeserver/rooms/membership.h"
#include "storage/memberships.h"
#include "storage/users.h"

static bool ends_access(const struct event_draft *draft)
{
    const char *access = json_get_string(draft->content, "guest_access");

    return draft->state_key != NULL && *draft->state_key == '\0' &&
           strcmp(draft->type, "m.room.guest_access") == 0 &&
           (access == NULL || strcmp(access, "can_join") != 0);
}

static enum errcode leave(struct call *call, struct room_build *build, int64_t user_nid,
                          const char *user_id)
{
    const struct requester guest = {
        .user_id = user_id,
        .user_nid = user_nid,
        .is_guest = true,
        .server_name = identifier_domain(user_id),
    };
    const struct membership_change change = {
        .requester = &guest,
        .target = user_id,
        .membership = "leave",
    };
    const char *event_id;

    return membership_change_in(call, build, &change, &event_id);
}

enum errcode guests_follow(struct call *call, struct room_build *build,
                           const struct event_draft *draft)
{
    struct nid_list guests;
    const char **user_ids;

    if (!ends_access(draft))
        return OK;
    TRY(memberships_guests(call->db, call->arena, room_nid(build->room), &guests));
    TRY(user_ids_load(call->db, call->arena, guests.items, guests.count, &user_ids));
    for (size_t i = 0; i < guests.count; i++)
        TRY(leave(call, build, guests.items[i], user_ids[i]));
    return OK;
}
