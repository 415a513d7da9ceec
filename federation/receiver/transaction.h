#ifndef FEDERATION_RECEIVER_TRANSACTION_H
#define FEDERATION_RECEIVER_TRANSACTION_H

#include <jansson.h>

#include "homeserver/call.h"

/*
 * A transaction of another server. Its events are acknowledged once they are durably in the inbox;
 * what becomes of them is decided later, room by room. EDUs take effect at once.
 * Spec: server-server API, "Transactions".
 */
enum { TRANSACTION_PDUS_MAX = 50, TRANSACTION_EDUS_MAX = 100 };

struct transaction {
    const char *origin; /* proven by the request's signature */
    const char *txn_id;
    json_t *body;
};

/* `*answer_out` is JSON text: `{"pdus": {event ID: {} or {"error": …}}}`; the same for the same
 * transaction ID. M_BAD_JSON when it is no transaction. */
enum errcode transaction_receive(struct call *call, const struct transaction *transaction,
                                 const char **answer_out) MUST_CHECK;

#endif
