/* Which event answered a client's transaction ID (I4). */
#include "storage/client_transactions.h"

#include <inttypes.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/sha256.h"
#include "storage/journal.h"
#include "storage/statements.h"

enum { FIND, ADD, OF_EVENTS, EXPIRE };

static const struct db_statement statements[] = {
    [FIND] = {"client_transaction_find",
              "SELECT e.event_id "
              "  FROM client_transactions t JOIN events e USING (event_nid) "
              " WHERE t.key = $1::text::uuid"},

    [ADD] = {"client_transaction_add",
             "INSERT INTO client_transactions (event_nid, created_ts, key, device_id, txn_id) "
             "SELECT n.event_nid, n.created_ts, n.key::uuid, n.device_id, n.txn_id "
             "  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[]) "
             "    AS n (event_nid, created_ts, key, device_id, txn_id)"},

    [OF_EVENTS] = {"client_transactions_of_events",
                   "SELECT n.ordinal, t.txn_id "
                   "  FROM unnest($2::bigint[]) WITH ORDINALITY AS n (event_nid, ordinal) "
                   "  JOIN client_transactions t USING (event_nid) "
                   " WHERE t.device_id = $1"},

    [EXPIRE] = {"client_transactions_expire",
                "DELETE FROM client_transactions "
                " WHERE ctid = ANY (ARRAY (SELECT ctid FROM client_transactions "
                "                           WHERE created_ts < $1 LIMIT $2))"},
};
STATEMENT_TABLE(client_transactions, statements);

/* What stands for a transaction in the table: 32 hexadecimal digits. The length keeps a device ID
 * from looking like another and the start of a key. */
static const char *hashed_key(struct arena *arena, const struct client_transaction *transaction)
{
    const char *device_id = transaction->device_id;
    char hash[SHA256_HEX_CHARS + 1];

    sha256_hex(arena_printf(arena, "%" PRId64 " %zu %s%s", transaction->user_nid, strlen(device_id),
                            device_id, transaction->txn_key),
               hash);
    return arena_strndup(arena, hash, SHA256_HEX_CHARS / 2);
}

const char *client_transaction_id(const struct client_transaction *transaction)
{
    const char *last_space = strrchr(transaction->txn_key, ' ');

    return last_space != NULL ? last_space + 1 : transaction->txn_key;
}

enum errcode client_transaction_find(struct db *db, struct arena *arena,
                                     const struct client_transaction *transaction,
                                     const char **event_id_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[FIND], PARAMS(TEXT(hashed_key(arena, transaction))),
                 &rows));
    *event_id_out = rows_count(rows) > 0 ? rows_text(rows, 0, 0) : NULL;
    return OK;
}

void client_transaction_add_in(struct journal_entry *entry,
                               const struct client_transaction *transaction, int64_t event_nid,
                               int64_t now_ms)
{
    journal_entry_note_transaction(entry, transaction);
    journal_entry_add_row(entry, &statements[ADD],
                          PARAMS(INT(event_nid), INT(now_ms),
                                 TEXT(hashed_key(journal_entry_arena(entry), transaction)),
                                 TEXT(transaction->device_id),
                                 TEXT(client_transaction_id(transaction))));
}

enum errcode client_transactions_of_events(struct db *db, struct arena *arena,
                                           const char *device_id, struct nid_list event_nids,
                                           const char ***txn_ids_out)
{
    const char **ids = ARENA_ARRAY(arena, event_nids.count, const char *);
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_EVENTS],
                 PARAMS(TEXT(device_id), INT_ARRAY(event_nids.items, event_nids.count)), &rows));
    for (size_t i = 0; i < rows_count(rows); i++)
        ids[rows_int(rows, i, 0) - 1] = rows_text(rows, i, 1);
    *txn_ids_out = ids;
    return OK;
}

enum errcode client_transactions_expire(struct db *db, int64_t before_ts, int64_t limit,
                                        int64_t *deleted_out)
{
    return db_execute(db, &statements[EXPIRE], PARAMS(INT(before_ts), INT(limit)), deleted_out);
}
