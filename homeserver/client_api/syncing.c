/* What the ways to sync have in common. Spec: client-server API, "Presence". */
#include "homeserver/client_api/syncing.h"

#include "config/config.h"
#include "homeserver/http/request.h"
#include "homeserver/presence/presence.h"
#include "homeserver/services.h"
#include "storage/presence.h"

enum errcode note_syncing(struct request *req, const char *set_presence, int64_t timeout_ms)
{
    struct presence_report report = {
        .user_nid = req->requester.user_nid,
        .device_id = req->requester.device_id,
        .state = PRESENCE_ONLINE,
        .connected_ms = timeout_ms + PRESENCE_DISCONNECT_MS,
    };

    if (set_presence != NULL && !presence_state_parse(set_presence, &report.state))
        return fail(&req->error, M_INVALID_PARAM,
                    "set_presence must be online, unavailable or offline.");
    /* A request says this once: what was set while it waited is newer. */
    if (report.state == PRESENCE_OFFLINE || req_was_parked(req) ||
        !config_current(req->call.services->config)->presence_enabled)
        return OK;
    return presence_synced(&req->call, &report);
}
