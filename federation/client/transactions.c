/* Transactions to other servers. */
#include "federation/client/transactions.h"

#include "federation/client/signed_request.h"
#include "homeserver/base/arena.h"

enum { TIMEOUT_MS = 60 * 1000, ANSWER_BYTES_MAX = 1 << 20 };

enum errcode federation_send_transaction_start(struct federation_client *client,
                                               const struct outgoing_transaction *transaction,
                                               struct error *error, http_done done, void *context)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct federation_request request = {
        .method = "PUT",
        .origin = transaction->origin,
        .destination = transaction->destination,
        .target = federation_target(arena, "/_matrix/federation/v1/send/%s", transaction->txn_id),
        .content = transaction->content,
        .timeout_ms = TIMEOUT_MS,
        .answer_limit_bytes = ANSWER_BYTES_MAX,
    };

    return federation_start(client, &request, error, done, context);
}
