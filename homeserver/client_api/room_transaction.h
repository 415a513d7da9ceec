#ifndef HOMESERVER_CLIENT_API_ROOM_TRANSACTION_H
#define HOMESERVER_CLIENT_API_ROOM_TRANSACTION_H

#include "homeserver/http/request.h"
#include "storage/client_transactions.h"

/* The scope of a client's transaction ID: its device and the request's path. `detail` is the event
 * type or the target. Borrowed from the request. */
struct client_transaction room_transaction(struct request *req, const char *endpoint,
                                           const char *room_id, const char *detail,
                                           const char *txn_id);

/* The event that answered the same transaction before, or NULL for a new one. */
enum errcode room_transaction_find(struct request *req,
                                   const struct client_transaction *transaction,
                                   const char **event_id_out) MUST_CHECK;

#endif
