/* Spec: client-server API, "Redactions" (redaction.yaml). */
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/room_transaction.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/redact.h"
#include "homeserver/rooms/send_event.h"

/* PUT /_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId} */
enum errcode client_redact_event(struct request *req)
{
    const char *room_id, *target, *txn_id, *reason, *event_id;
    struct client_transaction transaction;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(path_event_id(req, "eventId", &target));
    TRY(path_string(req, "txnId", &txn_id));
    TRY(body_string_optional(req, "reason", &reason));
    transaction = room_transaction(req, "redact", room_id, target, txn_id);

    TRY(room_transaction_find(req, &transaction, &event_id));
    if (event_id == NULL) {
        const struct event_draft draft = {
            .type = "m.room.redaction",
            .sender = req->requester.user_id,
            .sender_nid = req->requester.user_nid,
            .content = request_body(req),
            .redacts = target,
            .transaction = &transaction,
        };
        TRY(redaction_check_allowed(&req->call, room_id, &req->requester, target));
        TRY(room_send_event(&req->call, room_id, &draft, &event_id));
    }
    return respond(req, 200, json_pack("{ss}", "event_id", event_id));
}
