/* Shared by joining.c, inviting.c, leaving.c, kicking.c, banning.c and knocking.c. */
#include "homeserver/client_api/room_membership.h"

#include <string.h>

#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/membership.h"
#include "storage/room_aliases.h"

enum errcode room_by_id_or_alias(struct request *req, const char **room_id_out)
{
    struct room_alias alias;
    const char *id;

    TRY(path_string(req, "roomIdOrAlias", &id));
    if (room_id_is_valid(id)) {
        *room_id_out = id;
        return OK;
    }
    if (!room_alias_is_valid(id))
        return fail(&req->error, M_INVALID_PARAM, "This is neither a room ID nor a room alias.");
    enum errcode found = room_alias_load(req->call.db, req->call.arena, id, &alias);
    if (found == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "No room has the alias %s.", id);
    TRY(found);
    *room_id_out = alias.room_id;
    return OK;
}

/* What clients add to their join beyond the specification goes into the member event, except names
 * that mean something there. NULL when there is nothing. */
static json_t *further_content(struct request *req)
{
    static const char *const reserved[] = {
        "membership",
        "reason",
        "displayname",
        "avatar_url",
        "is_direct",
        "via",
        "third_party_invite",
        "third_party_signed",
        "server_name",
        "room_alias",
        "join_authorised_via_users_server",
    };
    json_t *content = json_on_arena(req->call.arena, json_copy(request_body(req)));

    for (size_t i = 0; i < COUNT_OF(reserved); i++)
        json_object_del(content, reserved[i]);
    return json_object_size(content) > 0 ? content : NULL;
}

enum errcode change_own_membership(struct request *req, const char *room_id, const char *membership)
{
    struct membership_change change = {
        .requester = &req->requester,
        .target = req->requester.user_id,
        .membership = membership,
    };
    const char *event_id;

    TRY(body_string_optional(req, "reason", &change.reason));
    if (strcmp(membership, "join") == 0)
        change.content = further_content(req);
    return membership_change(&req->call, room_id, &change, &event_id);
}

enum errcode change_membership_of_user(struct request *req, const char *membership)
{
    struct membership_change change = {.requester = &req->requester, .membership = membership};
    const char *room_id, *event_id;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(body_string(req, "user_id", &change.target));
    TRY(body_string_optional(req, "reason", &change.reason));
    if (!user_id_is_valid(change.target))
        return fail(&req->error, M_INVALID_PARAM, "user_id is not a user ID.");
    TRY(membership_change(&req->call, room_id, &change, &event_id));
    return respond_empty(req);
}
