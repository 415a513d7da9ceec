/* What handlers share that act for the user who asks. */
#include "homeserver/client_api/own_user.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/http/request.h"
#include "homeserver/presence/presence.h"
#include "homeserver/services.h"

enum errcode path_own_user(struct request *req, const char *text)
{
    const char *user_id;

    TRY(path_user_id(req, "userId", &user_id));
    if (strcmp(user_id, req->requester.user_id) != 0)
        return fail(&req->error, M_FORBIDDEN, "%s", text);
    return OK;
}

enum errcode note_activity(struct request *req)
{
    if (!config_current(req->call.services->config)->presence_enabled)
        return OK;
    return presence_active(&req->call, req->requester.user_nid);
}
