/* Spec: server-server API, "Querying for information" (query.yaml). */
#include <string.h>

#include "config/config.h"
#include "federation/api/federation_api.h"
#include "homeserver/base/arena.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/services.h"
#include "storage/accounts.h"
#include "storage/memberships.h"
#include "storage/profiles.h"
#include "storage/room_aliases.h"

/* GET /_matrix/federation/v1/query/directory */
enum errcode federation_query_room_directory(struct request *req)
{
    const char *alias = query_string(req, "room_alias");
    const char *const own[] = {config_current(req->call.services->config)->domains[0].name};
    struct room_alias found;
    const char **servers;
    size_t count;

    if (alias == NULL)
        return fail(&req->error, M_MISSING_PARAM, "room_alias is required.");
    if (!room_alias_is_valid(alias))
        return fail(&req->error, M_INVALID_PARAM, "room_alias is no alias.");
    enum errcode loaded = room_alias_load(req->call.db, req->call.arena, alias, &found);
    if (loaded == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "This server has no such alias.");
    TRY(loaded);
    TRY(memberships_servers(req->call.db, req->call.arena, found.room_nid, &servers, &count));
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(servers[i]));
    if (count == 0)
        json_array_append_new(list, json_string(own[0]));
    return respond(req, 200, json_pack("{ss,so}", "room_id", found.room_id, "servers", list));
}

/* GET /_matrix/federation/v1/query/profile */
enum errcode federation_query_profile(struct request *req)
{
    const char *user_id = query_string(req, "user_id"), *field = query_string(req, "field");
    const struct account *account;
    json_t *profile;

    if (user_id == NULL)
        return fail(&req->error, M_MISSING_PARAM, "user_id is required.");
    if (!user_id_is_valid(user_id))
        return fail(&req->error, M_INVALID_PARAM, "user_id is no user ID.");
    if (!config_hosts_user(config_current(req->call.services->config), user_id))
        return fail(&req->error, M_NOT_FOUND, "The user is not one of this server.");
    enum errcode found = account_load(req->call.db, req->call.arena, user_id, &account);
    if (found == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "There is no such user.");
    TRY(found);
    TRY(profile_load(req->call.db, req->call.arena, account->user_nid, &profile));
    if (field == NULL)
        return respond(req, 200, json_incref(profile));
    json_t *value = json_object_get(profile, field);
    json_t *answer = json_object();
    if (value != NULL)
        json_object_set(answer, field, value);
    return respond(req, 200, answer);
}

/* GET /_matrix/federation/v1/query/{queryType} */
enum errcode federation_query_info(struct request *req)
{
    return fail(&req->error, M_NOT_FOUND, "This server knows no such query.");
}
