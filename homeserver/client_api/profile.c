/* Spec: client-server API, "Profiles" (profile.yaml). */
#include <string.h>

#include "config/config.h"
#include "federation/client/query.h"
#include "homeserver/accounts/profiles.h"
#include "homeserver/appservice/appservice_call.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/membership.h"
#include "homeserver/services.h"

static enum errcode find_profile(struct request *req, json_t **out)
{
    const char *user_id;
    enum errcode code;

    TRY(path_user_id(req, "userId", &user_id));
    const struct config *config = config_current(req->call.services->config);
    if (!config_hosts_user(config, user_id))
        return federation_ask_profile(&req->call, config->domains[0].name, user_id, out);
    code = profile_find_local(&req->call, user_id, out);
    if (code == M_NOT_FOUND && appservices_offer_user(&req->call, user_id))
        code = profile_find_local(&req->call, user_id, out);
    if (code == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "There is no profile of this user.");
    return code;
}

/* GET /_matrix/client/v3/profile/{userId} */
enum errcode client_get_user_profile(struct request *req)
{
    json_t *profile;

    TRY(find_profile(req, &profile));
    return respond(req, 200, json_incref(profile));
}

/* GET /_matrix/client/v3/profile/{userId}/{keyName} */
enum errcode client_get_profile_field(struct request *req)
{
    json_t *profile, *value;
    const char *key;

    TRY(path_string(req, "keyName", &key));
    TRY(profile_check_key(&req->call, key));
    TRY(find_profile(req, &profile));
    value = json_object_get(profile, key);
    if (value == NULL)
        return fail(&req->error, M_NOT_FOUND, "This user has not set the field.");
    return respond(req, 200, json_pack("{s:O}", key, value));
}

static enum errcode edit_own_field(struct request *req, const char *key, const json_t *value)
{
    const struct profile_edit edit = {
        .user_nid = req->requester.user_nid, .key = key, .value = value};
    const char *user_id;
    bool shown_in_rooms;

    TRY(path_user_id(req, "userId", &user_id));
    if (strcmp(user_id, req->requester.user_id) != 0)
        return fail(&req->error, M_FORBIDDEN, "You can only change your own profile.");
    if (req->requester.is_guest && strcmp(key, "displayname") != 0)
        return fail(&req->error, M_GUEST_ACCESS_FORBIDDEN,
                    "Guests can only change their display name.");
    TRY(profile_edit_field(&req->call, &edit, &shown_in_rooms));
    if (shown_in_rooms)
        TRY(rooms_update_member_profile(&req->call, &req->requester));
    return respond_empty(req);
}

/* PUT /_matrix/client/v3/profile/{userId}/{keyName} */
enum errcode client_set_profile_field(struct request *req)
{
    const json_t *value;
    const char *key;

    TRY(path_string(req, "keyName", &key));
    TRY(profile_check_key(&req->call, key));
    value = json_object_get(request_body(req), key);
    if (value == NULL)
        return fail(&req->error, M_MISSING_PARAM, "The body must hold \"%s\".", key);
    return edit_own_field(req, key, value);
}

/* DELETE /_matrix/client/v3/profile/{userId}/{keyName} */
enum errcode client_delete_profile_field(struct request *req)
{
    const char *key;

    TRY(path_string(req, "keyName", &key));
    return edit_own_field(req, key, NULL);
}
