#ifndef FEDERATION_CLIENT_TRANSACTIONS_H
#define FEDERATION_CLIENT_TRANSACTIONS_H

#include <jansson.h>

#include "federation/client/federation_client.h"
#include "homeserver/net/http_client.h"

/* PUT /_matrix/federation/v1/send/{txnId}, asynchronous. Spec: server-server API, "Transactions".
 */
struct outgoing_transaction {
    const char *origin;
    const char *destination;
    const char *txn_id;
    const json_t *content;
};

/* As federation_start(). */
enum errcode federation_send_transaction_start(struct federation_client *client,
                                               const struct outgoing_transaction *transaction,
                                               struct error *error, http_done done,
                                               void *context) MUST_CHECK;

#endif
