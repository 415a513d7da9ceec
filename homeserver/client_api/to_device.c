/* Spec: client-server API, "Send-to-Device messaging" (to_device.yaml). */
#include "homeserver/encryption/to_device.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "storage/to_device.h"

enum { TYPE_BYTES_MAX = 255, TXN_ID_BYTES_MAX = 255 };

/* PUT /_matrix/client/v3/sendToDevice/{eventType}/{txnId} */
enum errcode client_send_to_device(struct request *req)
{
    const char *device_id = req->requester.device_id;
    struct to_device_transaction transaction = {.user_nid = req->requester.user_nid,
                                                .device_id = device_id != NULL ? device_id : ""};
    struct to_device_draft draft = {.sender_nid = req->requester.user_nid,
                                    .transaction = &transaction};
    const char *txn_id;
    bool is_known;

    TRY(path_string(req, "eventType", &draft.type));
    TRY(path_string(req, "txnId", &txn_id));
    if (strlen(draft.type) > TYPE_BYTES_MAX || strlen(txn_id) > TXN_ID_BYTES_MAX)
        return fail(&req->error, M_INVALID_PARAM, "The event type or transaction ID is too long.");
    TRY(body_object(req, "messages", &draft.messages));

    /* A client that never saw our first answer asks again: nothing is sent twice. */
    transaction.txn_key = arena_printf(req->call.arena, "%s %s", draft.type, txn_id);
    TRY(to_device_transaction_find(req->call.db, req->call.arena, &transaction, &is_known));
    if (!is_known)
        TRY(to_device_send(&req->call, &draft));
    return respond_empty(req);
}
