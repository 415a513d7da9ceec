/* Spec: client-server API, "Presence" (presence.yaml). */
#include "homeserver/presence/presence.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/base/clock.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/own_user.h"
#include "homeserver/http/request.h"
#include "homeserver/services.h"
#include "storage/memberships.h"
#include "storage/users.h"

static enum errcode find_visible_user(struct request *req, int64_t *user_nid_out)
{
    const char *user_id;
    enum errcode found;
    bool is_shared;

    TRY(path_user_id(req, "userId", &user_id));
    found = user_nid_find(req->call.db, req->call.arena, user_id, user_nid_out);
    if (found == M_NOT_FOUND)
        return fail(&req->error, M_FORBIDDEN, "You share no room with this user.");
    TRY(found);
    if (*user_nid_out == req->requester.user_nid)
        return OK;
    TRY(memberships_share_room(req->call.db, req->call.arena, req->requester.user_nid,
                               *user_nid_out, &is_shared));
    if (!is_shared)
        return fail(&req->error, M_FORBIDDEN, "You share no room with this user.");
    return OK;
}

/* GET /_matrix/client/v3/presence/{userId}/status */
enum errcode client_get_presence(struct request *req)
{
    struct presence_row row = {.state = PRESENCE_OFFLINE};
    int64_t user_nid;
    enum errcode found;

    TRY(find_visible_user(req, &user_nid));
    found = presence_load(req->call.db, req->call.arena, user_nid, &row);
    if (found != OK && found != M_NOT_FOUND)
        return found;
    return respond(req, 200, presence_content(&row, clock_wall_ms()));
}

static enum errcode read_presence(struct request *req, enum presence_state *state_out,
                                  const char **status_msg_out)
{
    const char *text;

    TRY(body_string(req, "presence", &text));
    if (!presence_state_parse(text, state_out))
        return fail(&req->error, M_INVALID_PARAM,
                    "`presence` must be online, unavailable or offline.");
    TRY(body_string_optional(req, "status_msg", status_msg_out));
    if (*status_msg_out != NULL && strlen(*status_msg_out) > PRESENCE_STATUS_BYTES_MAX)
        return fail(&req->error, M_INVALID_PARAM, "The status message is longer than %d bytes.",
                    PRESENCE_STATUS_BYTES_MAX);
    return OK;
}

/* PUT /_matrix/client/v3/presence/{userId}/status */
enum errcode client_set_presence(struct request *req)
{
    struct presence_report report = {
        .user_nid = req->requester.user_nid,
        .device_id = req->requester.device_id,
        .connected_ms = PRESENCE_SET_BY_HAND_MS,
    };
    const char *status_msg;

    TRY(path_own_user(req, "You can only set your own presence."));
    TRY(read_presence(req, &report.state, &status_msg));
    /* Switched off, presence is accepted and not shown to anybody. */
    if (config_current(req->call.services->config)->presence_enabled)
        TRY(presence_set(&req->call, &report, status_msg));
    return respond_empty(req);
}
