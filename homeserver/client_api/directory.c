/*
 * Room aliases.
 * Spec: client-server API, "Room aliases" (directory.yaml).
 */
#include <string.h>

#include "config/config.h"
#include "federation/client/query.h"
#include "homeserver/appservice/appservice_call.h"
#include "homeserver/appservice/appservices.h"
#include "homeserver/base/clock.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/history_visibility.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/canonical_alias.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/rooms/visibility.h"
#include "homeserver/services.h"
#include "storage/memberships.h"
#include "storage/room_aliases.h"

enum { HTTP_CONFLICT = 409 };

static enum errcode load_alias(struct request *req, const char *alias, struct room_alias *out)
{
    enum errcode found = room_alias_load(req->call.db, req->call.arena, alias, out);

    if (found == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "No room has the alias %s.", alias);
    return found;
}

static enum errcode answer_remote_alias(struct request *req, const char *name)
{
    const struct config *config = config_current(req->call.services->config);
    struct directory_answer found;
    json_t *servers = json_on_arena(req->call.arena, json_array());

    TRY(federation_ask_directory(&req->call, config->domains[0].name, name, &found));
    for (size_t i = 0; i < found.server_count; i++)
        json_array_append_new(servers, json_string(found.servers[i]));
    return respond(req, 200, json_pack("{s:s, s:O}", "room_id", found.room_id, "servers", servers));
}

enum { ALIAS_SERVERS_MAX = 100 };

/* We know the room, so we come first; then others through whom it can be joined. */
static enum errcode respond_alias(struct request *req, const struct room_alias *alias)
{
    const char **servers, *own = identifier_domain(alias->alias);
    json_t *list = json_on_arena(req->call.arena, json_pack("[s]", own));
    size_t count;

    TRY(memberships_servers(req->call.db, req->call.arena, alias->room_nid, &servers, &count));
    for (size_t i = 0; i < count && i < ALIAS_SERVERS_MAX; i++) {
        if (strcmp(servers[i], own) != 0)
            json_array_append_new(list, json_string(servers[i]));
    }
    return respond(req, 200, json_pack("{s:s, s:O}", "room_id", alias->room_id, "servers", list));
}

/* GET /_matrix/client/v3/directory/room/{roomAlias} */
enum errcode client_get_room_id_by_alias(struct request *req)
{
    struct room_alias alias;
    const char *name;

    TRY(path_room_alias(req, "roomAlias", &name));
    if (!config_hosts(config_current(req->call.services->config), identifier_domain(name)))
        return answer_remote_alias(req, name);
    enum errcode found = appservices_find_alias(&req->call, name, &alias);
    if (found == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "No room has the alias %s.", name);
    TRY(found);
    return respond_alias(req, &alias);
}

static enum errcode read_local_alias(struct request *req, const char **out)
{
    TRY(path_room_alias(req, "roomAlias", out));
    if (!config_hosts(config_current(req->call.services->config), identifier_domain(*out)))
        return fail(&req->error, M_INVALID_PARAM,
                    "The alias belongs to another server, where it has to be changed.");
    return OK;
}

/* PUT /_matrix/client/v3/directory/room/{roomAlias} */
enum errcode client_set_room_alias(struct request *req)
{
    struct room_alias alias = {.creator_nid = req->requester.user_nid};
    struct room_reader reader;

    TRY(read_local_alias(req, &alias.alias));
    TRY(appservices_check_alias(appservices_current(req->call.services->appservices), alias.alias,
                                req->requester.appservice_id, &req->error));
    TRY(body_string(req, "room_id", &alias.room_id));
    if (!room_id_is_valid(alias.room_id))
        return fail(&req->error, M_INVALID_PARAM, "room_id is not a room ID.");
    TRY(room_reader_make_joined(&req->call, alias.room_id, &req->requester, &reader));
    alias.room_nid = room_nid(reader.room);
    enum errcode created = room_alias_create(req->call.db, &alias, clock_wall_ms());
    if (created == M_ROOM_IN_USE) {
        req->error.http_status = HTTP_CONFLICT;
        return fail(&req->error, M_UNKNOWN, "The alias %s exists already.", alias.alias);
    }
    TRY(created);
    return respond_empty(req);
}

/* Who made an alias may take it away, and who decides on the aliases of its room. */
static enum errcode check_may_delete(struct request *req, const struct room_alias *alias,
                                     struct room *room)
{
    const char *membership, *user_id = req->requester.user_id;
    struct room_head *head;

    if (alias->creator_nid == req->requester.user_nid || req->requester.is_admin)
        return OK;
    TRY(room_committed_head(&req->call, room, &head));
    TRY(room_head_membership(&req->call, room, head, user_id, &membership));
    const struct power_levels levels = room_head_power_levels(room, head);
    if (membership != NULL && strcmp(membership, "join") == 0 &&
        power_levels_user(&levels, user_id) >=
            power_levels_send(&levels, "m.room.canonical_alias", true))
        return OK;
    return fail(&req->error, M_FORBIDDEN,
                "Only who made an alias, or who may set the room's main alias, can delete it.");
}

/* DELETE /_matrix/client/v3/directory/room/{roomAlias} */
enum errcode client_delete_room_alias(struct request *req)
{
    struct room_alias alias;
    struct room *room;
    const char *name;

    TRY(read_local_alias(req, &name));
    TRY(load_alias(req, name, &alias));
    TRY(room_open_by_nid(&req->call, alias.room_nid, &room));
    TRY(check_may_delete(req, &alias, room));
    TRY(room_alias_delete(req->call.db, name));
    TRY(canonical_alias_forget(&req->call, room, &req->requester, name));
    return respond_empty(req);
}

/* GET /_matrix/client/v3/rooms/{roomId}/aliases */
enum errcode client_get_local_aliases(struct request *req)
{
    struct room_reader reader;
    const char *room_id, **aliases;
    size_t count;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(room_reader_make(&req->call, room_id, &req->requester, &reader));
    if (reader.membership.membership != STORED_JOIN &&
        history_visibility_of(cached_event_get(reader.head->history_visibility)) !=
            HISTORY_WORLD_READABLE)
        return fail(&req->error, M_FORBIDDEN, "You are not in this room.");
    TRY(room_aliases_of_room(req->call.db, req->call.arena, room_nid(reader.room), &aliases,
                             &count));
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(aliases[i]));
    return respond(req, 200, json_pack("{so}", "aliases", list));
}
