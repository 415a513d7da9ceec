/* Shared by joining.c, inviting.c, leaving.c, kicking.c, banning.c and knocking.c. */
#include "homeserver/client_api/room_membership.h"

#include <string.h>

#include "config/config.h"
#include "federation/client/query.h"
#include "federation/membership/remote_invite.h"
#include "federation/membership/remote_membership.h"
#include "homeserver/appservice/appservice_call.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/membership.h"
#include "homeserver/services.h"
#include "storage/journal.h"
#include "storage/room_aliases.h"

/* `via` and its older name: servers that the client knows to be in the room. */
static void servers_of_query(struct request *req, struct room_target *target)
{
    target->servers = query_strings(req, "via", REMOTE_SERVERS_MAX, &target->server_count);
    if (target->server_count == 0)
        target->servers =
            query_strings(req, "server_name", REMOTE_SERVERS_MAX, &target->server_count);
}

static enum errcode target_of_remote_alias(struct request *req, const char *alias,
                                           struct room_target *out)
{
    const char *origin = config_current(req->call.services->config)->domains[0].name;
    struct directory_answer found;

    TRY(federation_ask_directory(&req->call, origin, alias, &found));
    *out = (struct room_target){found.room_id, found.servers, found.server_count};
    return OK;
}

enum errcode room_target_by_id_or_alias(struct request *req, struct room_target *out)
{
    struct room_alias alias;
    const char *id;

    TRY(path_string(req, "roomIdOrAlias", &id));
    servers_of_query(req, out);
    if (room_id_is_valid(id)) {
        out->room_id = id;
        return OK;
    }
    if (!room_alias_is_valid(id))
        return fail(&req->error, M_INVALID_PARAM, "This is neither a room ID nor a room alias.");
    if (!config_hosts(config_current(req->call.services->config), identifier_domain(id)))
        return target_of_remote_alias(req, id, out);
    enum errcode found = appservices_find_alias(&req->call, id, &alias);
    if (found == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "No room has the alias %s.", id);
    TRY(found);
    out->room_id = alias.room_id;
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

static enum errcode change_elsewhere(struct request *req, const struct room_target *target,
                                     const struct membership_change *change)
{
    const struct remote_membership remote = {
        .requester = change->requester,
        .room_id = target->room_id,
        .membership = change->membership,
        .reason = change->reason,
        .servers = target->servers,
        .server_count = target->server_count,
    };

    TRY(remote_membership_change(&req->call, &remote));
    return commit_group_wait(req->call.commits);
}

enum errcode change_own_membership(struct request *req, const struct room_target *target,
                                   const char *membership)
{
    struct membership_change change = {
        .requester = &req->requester,
        .target = req->requester.user_id,
        .membership = membership,
    };
    const char *event_id;
    bool is_here, needs_others = false;

    TRY(body_string_optional(req, "reason", &change.reason));
    TRY(room_is_here(&req->call, target->room_id, &is_here));
    if (is_here && strcmp(membership, "join") == 0)
        TRY(join_needs_others(&req->call, target->room_id, change.target, &needs_others));
    if (!is_here || needs_others)
        return change_elsewhere(req, target, &change);
    if (strcmp(membership, "join") == 0)
        change.content = further_content(req);
    enum errcode changed = membership_change(&req->call, target->room_id, &change, &event_id);
    if (changed != M_UNABLE_TO_AUTHORISE_JOIN && changed != M_UNABLE_TO_GRANT_JOIN)
        return changed;
    /* Spec ("Restricted rooms"): another server that is in the room may be able to. */
    enum errcode elsewhere = change_elsewhere(req, target, &change);
    return elsewhere == M_NOT_FOUND ? fail(&req->error, M_FORBIDDEN, "You may not join this room.")
                                    : elsewhere;
}

enum errcode invite_user(struct request *req, const char *room_id,
                         const struct membership_change *change)
{
    const char *event_id;

    if (config_hosts_user(config_current(req->call.services->config), change->target))
        return membership_change(&req->call, room_id, change, &event_id);
    return remote_invite(&req->call, room_id, change);
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
    if (strcmp(membership, "invite") == 0)
        TRY(invite_user(req, room_id, &change));
    else
        TRY(membership_change(&req->call, room_id, &change, &event_id));
    return respond_empty(req);
}
