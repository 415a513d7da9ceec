/* Spec: client-server API, "Read and unread markers" (read_markers.yaml). */
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/own_user.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/rooms/receipts.h"

/* NULL when the body does not set this marker. */
static enum errcode read_marker(struct request *req, const char *name, const char **out)
{
    TRY(body_string_optional(req, name, out));
    if (*out != NULL && !event_id_is_valid(*out))
        return fail(&req->error, M_INVALID_PARAM, "%s must be an event ID.", name);
    return OK;
}

static enum errcode set_receipt(struct request *req, struct room *room, enum receipt_type type,
                                const char *event_id)
{
    const struct receipt_draft draft = {.type = type, .event_id = event_id};

    return event_id != NULL ? receipt_send(&req->call, room, &req->requester, &draft) : OK;
}

/* POST /_matrix/client/v3/rooms/{roomId}/read_markers */
enum errcode client_set_read_marker(struct request *req)
{
    const char *room_id;
    const char *fully_read;
    const char *read;
    const char *read_private;
    struct room *room;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(read_marker(req, "m.fully_read", &fully_read));
    TRY(read_marker(req, "m.read", &read));
    TRY(read_marker(req, "m.read.private", &read_private));
    TRY(room_open_as_member(&req->call, room_id, req->requester.user_id, &room));

    TRY(set_receipt(req, room, RECEIPT_READ, read));
    TRY(set_receipt(req, room, RECEIPT_READ_PRIVATE, read_private));
    if (fully_read != NULL)
        TRY(read_marker_send(&req->call, room, &req->requester, fully_read));
    TRY(note_activity(req));
    return respond_empty(req);
}
