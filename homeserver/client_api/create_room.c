/*
 * Creating rooms.
 * Spec: client-server API, "Creation" (create_room.yaml).
 */
#include "homeserver/rooms/create_room.h"

#include "config/config.h"
#include "federation/membership/remote_invite.h"
#include "homeserver/appservice/appservices.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/log.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/third_party_membership.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/upgrade_room.h"
#include "homeserver/services.h"
#include "storage/journal.h"

enum { INVITES_BY_ADDRESS_MAX = 20 }; /* each is two questions to another server */

static enum errcode read_version(struct request *req, struct new_room *room)
{
    const struct config *config = config_current(req->call.services->config);
    const char *version = config->rooms.default_version;
    json_t *value = json_object_get(request_body(req), "room_version");

    if (value != NULL) {
        version = json_string_value(value);
        if (version == NULL)
            return fail(&req->error, M_BAD_JSON, "room_version must be a string.");
    }
    room->version = room_version_find(version);
    if (room->version == NULL)
        return fail(&req->error, M_UNSUPPORTED_ROOM_VERSION,
                    "This server does not know the room version %s.", version);
    return OK;
}

static enum errcode read_preset(struct request *req, struct new_room *room)
{
    const char *visibility, *preset;

    TRY(body_string_optional(req, "visibility", &visibility));
    TRY(body_string_optional(req, "preset", &preset));
    room->is_listed = visibility != NULL && strcmp(visibility, "public") == 0;
    if (visibility != NULL && !room->is_listed && strcmp(visibility, "private") != 0)
        return fail(&req->error, M_INVALID_PARAM, "visibility must be public or private.");
    if (preset == NULL)
        room->preset = room->is_listed ? PRESET_PUBLIC_CHAT : PRESET_PRIVATE_CHAT;
    else if (strcmp(preset, "private_chat") == 0)
        room->preset = PRESET_PRIVATE_CHAT;
    else if (strcmp(preset, "trusted_private_chat") == 0)
        room->preset = PRESET_TRUSTED_PRIVATE_CHAT;
    else if (strcmp(preset, "public_chat") == 0)
        room->preset = PRESET_PUBLIC_CHAT;
    else
        return fail(&req->error, M_INVALID_PARAM, "This server does not know the preset %s.",
                    preset);
    return OK;
}

static enum errcode read_alias(struct request *req, struct new_room *room)
{
    const char *localpart;

    TRY(body_string_optional(req, "room_alias_name", &localpart));
    if (localpart == NULL)
        return OK;
    room->alias = arena_printf(req->call.arena, "#%s:%s", localpart, req->requester.server_name);
    if (strchr(localpart, ':') != NULL || !room_alias_is_valid(room->alias))
        return fail(&req->error, M_INVALID_PARAM, "room_alias_name is not a valid name.");
    return appservices_check_alias(appservices_current(req->call.services->appservices),
                                   room->alias, req->requester.appservice_id, &req->error);
}

static enum errcode read_invites(struct request *req, struct new_room *room)
{
    json_t *invites, *invite;
    const char **user_ids;
    size_t i;

    TRY(body_array_optional(req, "invite", &invites));
    if (json_array_size(invites) > CREATE_ROOM_INVITES_MAX)
        return fail(&req->error, M_INVALID_PARAM, "At most %d people can be invited at once.",
                    CREATE_ROOM_INVITES_MAX);
    user_ids = ARENA_ARRAY(req->call.arena, json_array_size(invites), const char *);
    json_array_foreach (invites, i, invite) {
        user_ids[i] = json_string_value(invite);
        if (!user_id_is_valid(user_ids[i]))
            return fail(&req->error, M_INVALID_PARAM, "invite[%zu] is not a user ID.", i);
    }
    room->invites = user_ids;
    room->invite_count = json_array_size(invites);
    return OK;
}

static enum errcode read_initial_state(struct request *req, struct new_room *room)
{
    json_t *state;
    size_t i;

    TRY(body_array_optional(req, "initial_state", &room->initial_state));
    if (json_array_size(room->initial_state) > CREATE_ROOM_STATE_MAX)
        return fail(&req->error, M_INVALID_PARAM, "At most %d state events can be given.",
                    CREATE_ROOM_STATE_MAX);
    json_array_foreach (room->initial_state, i, state) {
        const char *type = json_get_string(state, "type");
        json_t *key = json_object_get(state, "state_key");
        if (type == NULL || json_get_object(state, "content") == NULL ||
            (key != NULL && json_get_string(state, "state_key") == NULL))
            return fail(&req->error, M_BAD_JSON,
                        "initial_state[%zu] needs a type and content, and a text as state_key.", i);
        if (strcmp(type, "m.room.create") == 0 || strcmp(type, "m.room.member") == 0)
            return fail(&req->error, M_INVALID_ROOM_STATE, "initial_state may not hold %s events.",
                        type);
    }
    return OK;
}

/* Before there is a room: what the client could know to be wrong. */
static enum errcode read_invites_by_address(struct request *req, json_t **out)
{
    json_t *invite;
    size_t i;

    TRY(body_array_optional(req, "invite_3pid", out));
    if (json_array_size(*out) > INVITES_BY_ADDRESS_MAX)
        return fail(&req->error, M_INVALID_PARAM, "At most %d addresses can be invited at once.",
                    INVITES_BY_ADDRESS_MAX);
    json_array_foreach (*out, i, invite)
        TRY(check_invite_by_address(req, invite));
    return OK;
}

/* Spec: a room stands even when some of its invites fail. */
static enum errcode invite_addresses(struct request *req, const char *room_id, json_t *invites)
{
    json_t *invite;
    size_t i;

    if (json_array_size(invites) > 0)
        TRY(commit_group_wait(req->call.commits));
    json_array_foreach (invites, i, invite) {
        enum errcode invited = invite_by_address(req, room_id, invite);

        if (invited != OK)
            log_debug(LOG_ROOMS, "invite %zu of an address to %s failed: %s", i, room_id,
                      req->error.text);
        error_clear(&req->error);
    }
    return OK;
}

/* Clients may upgrade rooms by hand: by a new room that names its predecessor. */
static enum errcode carry_over(struct request *req, const struct new_room *made,
                               const char *room_id)
{
    struct room *room;

    if (json_get_object(made->creation_content, "predecessor") == NULL)
        return OK;
    TRY(commit_group_wait(req->call.commits));
    TRY(room_open(&req->call, room_id, &room));
    return room_carry_over(&req->call, room, &req->requester);
}

/* Their servers are asked when the room stands; it stands even when one does not answer. */
static enum errcode invite_from_elsewhere(struct request *req, const struct new_room *made,
                                          const char *room_id)
{
    const struct config *config = config_current(req->call.services->config);

    for (size_t i = 0; i < made->invite_count; i++) {
        const struct membership_change invite = {
            .requester = &req->requester,
            .target = made->invites[i],
            .membership = "invite",
            .is_direct = made->is_direct,
        };
        if (config_hosts_user(config, invite.target))
            continue;
        TRY(commit_group_wait(req->call.commits));
        if (remote_invite(&req->call, room_id, &invite) != OK)
            log_info(LOG_ROOMS, "invite of %s to the new room %s failed: %s", invite.target,
                     room_id, req->error.text);
        error_clear(&req->error);
    }
    return OK;
}

static enum errcode read_creation_content(struct request *req, struct new_room *room)
{
    json_t *creators, *creator;
    size_t i;

    TRY(body_object_optional(req, "creation_content", &room->creation_content));
    creators = json_object_get(room->creation_content, "additional_creators");
    if (creators == NULL || !room->version->privileged_creators)
        return OK;
    if (!json_is_array(creators))
        return fail(&req->error, M_INVALID_PARAM, "additional_creators must be a list.");
    json_array_foreach (creators, i, creator) {
        if (!user_id_is_valid(json_string_value(creator)))
            return fail(&req->error, M_INVALID_PARAM, "additional_creators[%zu] is no user ID.", i);
    }
    return OK;
}

/* POST /_matrix/client/v3/createRoom */
enum errcode client_create_room(struct request *req)
{
    struct new_room room = {0};
    const char *room_id;
    json_t *by_address;

    TRY(read_version(req, &room));
    TRY(read_preset(req, &room));
    TRY(read_alias(req, &room));
    TRY(read_invites(req, &room));
    TRY(read_initial_state(req, &room));
    TRY(read_invites_by_address(req, &by_address));
    TRY(body_string_optional(req, "name", &room.name));
    TRY(body_string_optional(req, "topic", &room.topic));
    TRY(body_bool_optional(req, "is_direct", false, &room.is_direct));
    TRY(read_creation_content(req, &room));
    TRY(body_object_optional(req, "power_level_content_override", &room.power_level_override));
    TRY(room_create_new(&req->call, &req->requester, &room, &room_id));
    TRY(carry_over(req, &room, room_id));
    TRY(invite_from_elsewhere(req, &room, room_id));
    TRY(invite_addresses(req, room_id, by_address));
    return respond(req, 200, json_pack("{ss}", "room_id", room_id));
}
