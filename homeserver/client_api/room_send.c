/*
 * Sending messages.
 * Spec: client-server API, "Sending events to a room" (room_send.yaml).
 */
#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/delayed_event.h"
#include "homeserver/client_api/massaged_time.h"
#include "homeserver/client_api/own_user.h"
#include "homeserver/client_api/room_transaction.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/redact.h"
#include "homeserver/rooms/send_event.h"

/* The route takes an empty body because a delayed event may be asked for again without one. */
static enum errcode body_is_there(struct request *req)
{
    size_t size;

    (void)request_body_bytes(req, &size); /* only the size is wanted */
    return size > 0 ? OK : fail(&req->error, M_NOT_JSON, "%s", errcode_default_text(M_NOT_JSON));
}

/* PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId} */
enum errcode client_send_message(struct request *req)
{
    const char *room_id, *event_type, *txn_id, *event_id;
    struct client_transaction transaction;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(path_string(req, "eventType", &event_type));
    TRY(path_string(req, "txnId", &txn_id));
    if (is_delayed(req)) {
        const struct delayed_request delayed = {room_id, event_type, NULL, txn_id};
        return respond_delayed(req, &delayed);
    }
    transaction = room_transaction(req, "send", room_id, event_type, txn_id);

    /* A client that never saw our first answer repeats the transaction and must get the same event.
     */
    TRY(room_transaction_find(req, &transaction, &event_id));
    if (event_id == NULL) {
        TRY(body_is_there(req));
        struct event_draft draft = {
            .type = event_type,
            .sender = req->requester.user_id,
            .sender_nid = req->requester.user_nid,
            .content = request_body(req),
            .redacts = strcmp(event_type, "m.room.redaction") == 0
                           ? json_get_string(request_body(req), "redacts")
                           : NULL,
            .transaction = &transaction,
        };
        TRY(massaged_time(req, &draft.origin_server_ts));
        if (draft.redacts != NULL)
            TRY(redaction_check_allowed(&req->call, room_id, &req->requester, draft.redacts));
        TRY(room_send_event(&req->call, room_id, &draft, &event_id));
        TRY(note_activity(req));
    }
    return respond(req, 200, json_pack("{ss}", "event_id", event_id));
}
