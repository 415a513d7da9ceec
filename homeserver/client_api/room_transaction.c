/* Spec: client-server API, "Transaction identifiers". */
#include "homeserver/client_api/room_transaction.h"

#include "homeserver/base/arena.h"
#include "homeserver/services.h"
#include "storage/recent_transactions.h"

struct client_transaction room_transaction(struct request *req, const char *endpoint,
                                           const char *room_id, const char *detail,
                                           const char *txn_id)
{
    const char *device_id = req->requester.device_id;

    return (struct client_transaction){
        .user_nid = req->requester.user_nid,
        .device_id = device_id != NULL ? device_id : "",
        .txn_key = arena_printf(req->call.arena, "%s %s %s %s", endpoint, room_id, detail, txn_id),
    };
}

/* Almost every transaction ID is new, and the commit finds out when it is not: then this is the
 * repeated request, which asks. */
enum errcode room_transaction_find(struct request *req,
                                   const struct client_transaction *transaction,
                                   const char **event_id_out)
{
    struct recent_transactions *recent = req->call.services->recent_transactions;
    bool may_guess = recent_transactions_may_guess(recent, transaction);

    *event_id_out = recent_transactions_find(recent, req->call.arena, transaction);
    if (*event_id_out != NULL || (may_guess && !request_is_repeated(req)))
        return OK;
    TRY(client_transaction_find(req->call.db, req->call.arena, transaction, event_id_out));
    if (*event_id_out == NULL)
        recent_transactions_was_new(recent, transaction);
    else if (may_guess)
        recent_transactions_guessed_wrong(recent, transaction);
    return OK;
}
