/* Asking other servers about a room. */
#include "federation/receiver/remote_room.h"

#include "config/config.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/services.h"
#include "storage/memberships.h"
#include "storage/users.h"

enum errcode remote_room_own_domain(struct call *call, struct room *room, const char **out)
{
    struct nid_list ours;
    const char *user_id;

    *out = config_current(call->services->config)->domains[0].name;
    TRY(memberships_of_room(call->db, call->arena, room_nid(room), STORED_JOIN, true, &ours));
    if (ours.count == 0)
        return OK;
    TRY(user_id_load(call->db, call->arena, ours.items[0], &user_id));
    *out = identifier_domain(user_id);
    return OK;
}
