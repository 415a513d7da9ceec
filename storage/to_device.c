/* Messages from device to device. */
#include "storage/to_device.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/journal.h"
#include "storage/statements.h"

enum { ADD, READ_ON, READ, EXPIRE, TRIM, FIND_TRANSACTION, ADD_TRANSACTION, EXPIRE_TRANSACTIONS };

#define MESSAGES_IN_RANGE                                                                          \
    "SELECT m.position, u.user_id, m.type, m.content "                                             \
    "  FROM to_device_messages m "                                                                 \
    "  JOIN users u ON u.user_nid = m.sender_nid "                                                 \
    " WHERE m.user_nid = $1 AND m.device_id = $2 AND m.position > $3 AND m.position <= $4 "        \
    " ORDER BY m.position "                                                                        \
    " LIMIT $5"

/* clang-format off */
static const struct db_statement statements[] = {
    /* What names a device goes before what is for all devices of the user. */
    [ADD] = {"to_device_add",
        "INSERT INTO to_device_messages (user_nid, device_id, position, sender_nid, type, content) "
        "SELECT DISTINCT ON (d.user_nid, d.device_id) "
        "       d.user_nid, d.device_id, $1::bigint, $2::bigint, $3::text, n.content "
        "  FROM unnest($4::bigint[], $5::text[], $6::text[]) AS n (user_nid, device_id, content) "
        "  JOIN devices d ON d.user_nid = n.user_nid AND n.device_id IN (d.device_id, '*') "
        " ORDER BY d.user_nid, d.device_id, n.device_id = '*'"},

    [READ_ON] = {"to_device_read_on",
        "WITH acknowledged AS ( "
        "    DELETE FROM to_device_messages "
        "     WHERE user_nid = $1 AND device_id = $2 AND position <= $3) "
        MESSAGES_IN_RANGE},

    [READ] = {"to_device_read",
        MESSAGES_IN_RANGE},

    [EXPIRE] = {"to_device_expire",
        "DELETE FROM to_device_messages m "
        " USING devices d "
        " WHERE d.user_nid = m.user_nid AND d.device_id = m.device_id "
        "   AND COALESCE(d.last_seen_ts, d.created_ts) < $1 "
        "   AND NOT EXISTS (SELECT 1 FROM dehydrated_devices h "
        "                    WHERE h.user_nid = d.user_nid AND h.device_id = d.device_id)"},

    /* Only devices with a long queue are looked at closely. */
    [TRIM] = {"to_device_trim",
        "WITH crowded AS ( "
        "    SELECT user_nid, device_id FROM to_device_messages "
        "     GROUP BY user_nid, device_id HAVING count(*) > $1), "
        "places AS ( "
        "    SELECT m.user_nid, m.device_id, m.position, row_number() OVER ( "
        "               PARTITION BY m.user_nid, m.device_id, m.sender_nid "
        "               ORDER BY m.position) AS place "
        "      FROM crowded JOIN to_device_messages m USING (user_nid, device_id)) "
        "DELETE FROM to_device_messages m "
        " USING places p "
        " WHERE p.place > $1 AND m.user_nid = p.user_nid AND m.device_id = p.device_id "
        "   AND m.position = p.position"},

    [FIND_TRANSACTION] = {"to_device_transactions_find",
        "SELECT 1 FROM to_device_transactions "
        " WHERE user_nid = $1 AND device_id = $2 AND txn_key = $3"},

    [ADD_TRANSACTION] = {"to_device_transactions_add",
        "INSERT INTO to_device_transactions (user_nid, device_id, txn_key, created_ts) "
        "VALUES ($1, $2, $3, $4) "
        "    ON CONFLICT (user_nid, device_id, txn_key) DO NOTHING"},

    [EXPIRE_TRANSACTIONS] = {"to_device_transactions_expire",
        "DELETE FROM to_device_transactions WHERE created_ts < $1"},
};
STATEMENT_TABLE(to_device, statements);
/* clang-format on */

void to_device_add_in(struct journal_entry *entry, const struct to_device_batch *batch)
{
    journal_entry_add(entry, &statements[ADD],
                      PARAMS(POSITION, INT(batch->sender_nid), TEXT(batch->type),
                             INT_ARRAY(batch->user_nids, batch->count),
                             TEXT_ARRAY(batch->device_ids, batch->count),
                             TEXT_ARRAY(batch->contents, batch->count)));
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->user_nids[i] != 0 && (i == 0 || batch->user_nids[i] != batch->user_nids[i - 1]))
            journal_entry_wake_user(entry, batch->user_nids[i]);
    }
}

static enum errcode read_messages(struct db *db, struct arena *arena,
                                  const struct db_statement *statement,
                                  const struct to_device_reader *reader,
                                  struct to_device_message **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, statement,
                 PARAMS(INT(reader->user_nid), TEXT(reader->device_id), INT(reader->range.since),
                        INT(reader->range.until), INT(reader->range.limit)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct to_device_message);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct to_device_message){
            .position = rows_int(rows, i, 0),
            .sender = rows_text(rows, i, 1),
            .type = rows_text(rows, i, 2),
            .content = rows_text(rows, i, 3),
        };
    return OK;
}

enum errcode to_device_read_on(struct db *db, struct arena *arena,
                               const struct to_device_reader *reader,
                               struct to_device_message **out, size_t *count_out)
{
    return read_messages(db, arena, &statements[READ_ON], reader, out, count_out);
}

enum errcode to_device_read(struct db *db, struct arena *arena,
                            const struct to_device_reader *reader, struct to_device_message **out,
                            size_t *count_out)
{
    return read_messages(db, arena, &statements[READ], reader, out, count_out);
}

enum errcode to_device_expire(struct db *db, int64_t before_ts)
{
    return db_execute(db, &statements[EXPIRE], PARAMS(INT(before_ts)), NULL);
}

enum errcode to_device_trim(struct db *db, int64_t messages_max)
{
    return db_execute(db, &statements[TRIM], PARAMS(INT(messages_max)), NULL);
}

enum errcode to_device_transaction_find(struct db *db, struct arena *arena,
                                        const struct to_device_transaction *transaction,
                                        bool *is_known_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[FIND_TRANSACTION],
                 PARAMS(INT(transaction->user_nid), TEXT(transaction->device_id),
                        TEXT(transaction->txn_key)),
                 &rows));
    *is_known_out = rows_count(rows) > 0;
    return OK;
}

void to_device_transaction_add_in(struct journal_entry *entry,
                                  const struct to_device_transaction *transaction, int64_t now_ms)
{
    journal_entry_add_expecting(entry, &statements[ADD_TRANSACTION],
                                PARAMS(INT(transaction->user_nid), TEXT(transaction->device_id),
                                       TEXT(transaction->txn_key), INT(now_ms)),
                                1);
}

enum errcode to_device_transactions_expire(struct db *db, int64_t before_ts)
{
    return db_execute(db, &statements[EXPIRE_TRANSACTIONS], PARAMS(INT(before_ts)), NULL);
}
