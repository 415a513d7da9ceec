/* The two steps of joining, leaving and knocking, as requests. */
#include "federation/api/membership_request.h"

#include <string.h>

#include "homeserver/protocol/identifiers.h"

/* The room must have a version that the other server understands (`ver` parameters). */
static enum errcode check_version(struct request *req, const struct room_version *version)
{
    size_t count;
    const char **supported = query_strings(req, "ver", 50, &count);

    /* Spec: a server that says nothing supports version 1. */
    if (count == 0 && strcmp(version->id, "1") == 0)
        return OK;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(supported[i], version->id) == 0)
            return OK;
    }
    error_set_string(&req->error, "room_version", version->id);
    return fail(&req->error, M_INCOMPATIBLE_ROOM_VERSION,
                "Your server does not support the room's version %s.", version->id);
}

enum errcode respond_membership_template(struct request *req, const char *membership)
{
    struct handshake handshake = {
        .membership = membership,
        .origin = req->requester.server_name,
    };
    struct server_view view;
    json_t *template;

    TRY(path_room_id(req, "roomId", &handshake.room_id));
    TRY(path_user_id(req, "userId", &handshake.user_id));
    TRY(server_view_open(&req->call, handshake.room_id, handshake.origin, &view));
    TRY(server_view_require_members(&req->call, &view));
    const struct room_version *version = room_version_of(view.room);
    if (strcmp(membership, "leave") != 0)
        TRY(check_version(req, version));
    if (strcmp(membership, "knock") == 0 && !version->knock)
        return fail(&req->error, M_FORBIDDEN, "Nobody can knock on rooms of version %s.",
                    version->id);
    TRY(handshake_make(&req->call, &handshake, &view, &template));
    return respond(req, 200, json_pack("{ss,sO}", "room_version", version->id, "event", template));
}

enum errcode receive_membership_event(struct request *req, const char *membership,
                                      struct server_view *view_out, struct handshake_event *out)
{
    struct handshake handshake = {
        .membership = membership,
        .origin = req->requester.server_name,
        .event = request_body(req),
    };

    TRY(path_room_id(req, "roomId", &handshake.room_id));
    TRY(path_event_id(req, "eventId", &handshake.event_id));
    TRY(server_view_open(&req->call, handshake.room_id, handshake.origin, view_out));
    TRY(server_view_require_members(&req->call, view_out));
    return handshake_send(&req->call, &handshake, view_out, out);
}
