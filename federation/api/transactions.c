/* Spec: server-server API, "Transactions" (transactions.yaml). */
#include <string.h>

#include "federation/api/federation_api.h"
#include "federation/receiver/transaction.h"
#include "homeserver/http/request.h"

/* PUT /_matrix/federation/v1/send/{txnId} */
enum errcode federation_send_transaction(struct request *req)
{
    struct transaction transaction = {
        .origin = req->requester.server_name,
        .body = request_body(req),
    };
    const char *answer;

    TRY(path_string(req, "txnId", &transaction.txn_id));
    TRY(transaction_receive(&req->call, &transaction, &answer));
    return respond_bytes(req, 200, "application/json", strdup(answer), strlen(answer));
}
