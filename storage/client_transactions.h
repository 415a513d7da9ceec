#ifndef STORAGE_CLIENT_TRANSACTIONS_H
#define STORAGE_CLIENT_TRANSACTIONS_H

#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"

struct journal_entry;

/* Client-server API, "Transaction identifiers": scope is the device and the endpoint's path. */
struct client_transaction {
    int64_t user_nid;
    const char *device_id; /* "" for an application service without one */
    const char *txn_key;   /* endpoint and transaction ID */
};

/* As the client gave it: the end of the key. */
const char *client_transaction_id(const struct client_transaction *transaction);

/* `*event_id_out` is NULL when this transaction ID has not been used (or only long ago). */
enum errcode client_transaction_find(struct db *db, struct arena *arena,
                                     const struct client_transaction *transaction,
                                     const char **event_id_out) MUST_CHECK;

/* Adds to the event's journal entry. When the same ID is being used elsewhere at this moment the
 * entry fails with E_CONFLICT, and the repeated handler finds the other's event. */
void client_transaction_add_in(struct journal_entry *entry,
                               const struct client_transaction *transaction, int64_t event_nid,
                               int64_t now_ms);

/* The transaction IDs of those of a user's own events that this device sent, for
 * `unsigned.transaction_id`: parallel to `event_nids`, NULL where there is none. */
enum errcode client_transactions_of_events(struct db *db, struct arena *arena,
                                           const char *device_id, struct nid_list event_nids,
                                           const char ***txn_ids_out) MUST_CHECK;

/* Deletes at most `limit` that are older than `before_ts`; the number deleted. */
enum errcode client_transactions_expire(struct db *db, int64_t before_ts, int64_t limit,
                                        int64_t *deleted_out) MUST_CHECK;

#endif
