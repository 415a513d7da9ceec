/* Spec: client-server API, "Typing Notifications" (typing.yaml). */
#include "homeserver/presence/typing.h"

#include "homeserver/base/clock.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/own_user.h"
#include "homeserver/http/request.h"
#include "homeserver/rooms/receipts.h"
#include "homeserver/services.h"

static enum errcode read_typing(struct request *req, int64_t *timeout_ms_out)
{
    const json_t *typing = json_object_get(request_body(req), "typing");
    int64_t timeout_ms;

    if (typing == NULL)
        return fail(&req->error, M_MISSING_PARAM, "The body must hold `typing`.");
    if (!json_is_boolean(typing))
        return fail(&req->error, M_BAD_JSON, "`typing` must be true or false.");
    TRY(body_int_optional(req, "timeout", TYPING_TIMEOUT_DEFAULT_MS, &timeout_ms));
    if (timeout_ms <= 0)
        timeout_ms = TYPING_TIMEOUT_DEFAULT_MS;
    *timeout_ms_out = json_is_true(typing) ? timeout_ms : 0;
    return OK;
}

/* PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId} */
enum errcode client_set_typing(struct request *req)
{
    const char *room_id;
    int64_t timeout_ms;
    struct room *room;

    TRY(path_own_user(req, "You can only tell of your own typing."));
    TRY(path_room_id(req, "roomId", &room_id));
    TRY(read_typing(req, &timeout_ms));
    TRY(room_open_as_member(&req->call, room_id, req->requester.user_id, &room));
    typing_set(req->call.services->typing, room_nid(room), req->requester.user_id, timeout_ms,
               clock_monotonic_ms());
    TRY(note_activity(req));
    return respond_empty(req);
}
