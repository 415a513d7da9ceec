/* The memories of sliding sync connections. */
#include "storage/sliding_connections.h"

#include "homeserver/base/arena.h"
#include "storage/statements.h"

enum { LOAD, TOUCH, SAVE, SAVE_MEMORY, FORGET, TRIM, EXPIRE };

enum { TOUCHED_EVERY_MS = 60 * 60 * 1000 };

/* clang-format off */
static const struct db_statement statements[] = {
    [LOAD] = {"sliding_memory_load",
        "SELECT m.memory "
        "  FROM sliding_memories m JOIN sliding_connections c USING (connection_nid) "
        " WHERE m.connection_nid = $1 AND m.serial = $2 "
        "   AND c.user_nid = $3 AND c.device_id = $4 AND c.conn_id = $5"},

    [TOUCH] = {"sliding_connection_touch",
        "UPDATE sliding_connections SET used_ts = $2 "
        " WHERE connection_nid = $1 AND used_ts < $3"},

    [SAVE] = {"sliding_connection_save",
        "INSERT INTO sliding_connections (user_nid, device_id, conn_id, last_serial, used_ts) "
        "VALUES ($1, $2, $3, 1, $4) "
        "    ON CONFLICT (user_nid, device_id, conn_id) DO UPDATE "
        "   SET last_serial = sliding_connections.last_serial + 1, used_ts = EXCLUDED.used_ts "
        "RETURNING connection_nid, last_serial"},

    [SAVE_MEMORY] = {"sliding_memory_save",
        "INSERT INTO sliding_memories (connection_nid, serial, memory) VALUES ($1, $2, $3)"},

    [FORGET] = {"sliding_memory_forget",
        "DELETE FROM sliding_memories WHERE connection_nid = $1 AND serial NOT IN ($2, $3)"},

    [TRIM] = {"sliding_connections_trim",
        "DELETE FROM sliding_connections "
        " WHERE connection_nid IN (SELECT connection_nid FROM sliding_connections "
        "                           WHERE user_nid = $1 AND device_id = $2 "
        "                           ORDER BY used_ts DESC, connection_nid DESC OFFSET $3)"},

    [EXPIRE] = {"sliding_connections_expire",
        "DELETE FROM sliding_connections WHERE used_ts < $1"},
};
STATEMENT_TABLE(sliding_connections, statements);
/* clang-format on */

enum errcode sliding_memory_load(struct db *db, struct arena *arena,
                                 const struct sliding_connection_key *connection,
                                 const struct sliding_memory_key *key, const char **bytes_out,
                                 size_t *size_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD],
                 PARAMS(INT(key->connection_nid), INT(key->serial), INT(connection->user_nid),
                        TEXT(connection->device_id), TEXT(connection->conn_id)),
                 &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *bytes_out = rows_bytes(rows, 0, 0, size_out);
    return OK;
}

enum errcode sliding_connection_touch(struct db *db, int64_t connection_nid, int64_t now_ms)
{
    return db_execute(db, &statements[TOUCH],
                      PARAMS(INT(connection_nid), INT(now_ms), INT(now_ms - TOUCHED_EVERY_MS)),
                      NULL);
}

enum errcode sliding_memory_save(struct db *db, struct arena *arena,
                                 const struct sliding_memory_draft *draft,
                                 struct sliding_memory_key *out)
{
    const struct sliding_connection_key *connection = &draft->connection;
    SCOPED(db_transaction_end) struct db *tx = NULL;
    struct db_rows *rows;

    TRY(db_begin(db, &tx));
    TRY(db_query(tx, arena, &statements[SAVE],
                 PARAMS(INT(connection->user_nid), TEXT(connection->device_id),
                        TEXT(connection->conn_id), INT(draft->now_ms)),
                 &rows));
    *out = (struct sliding_memory_key){rows_int(rows, 0, 0), rows_int(rows, 0, 1)};
    TRY(db_execute(
        tx, &statements[SAVE_MEMORY],
        PARAMS(INT(out->connection_nid), INT(out->serial), BYTES(draft->bytes, draft->size)),
        NULL));
    TRY(db_execute(tx, &statements[FORGET],
                   PARAMS(INT(out->connection_nid), INT(out->serial), INT(draft->kept_serial)),
                   NULL));
    if (draft->kept_serial == 0)
        TRY(db_execute(tx, &statements[TRIM],
                       PARAMS(INT(connection->user_nid), TEXT(connection->device_id),
                              INT(SLIDING_CONNECTIONS_PER_DEVICE)),
                       NULL));
    return db_commit(&tx);
}

enum errcode sliding_connections_expire(struct db *db, int64_t before_ts)
{
    return db_execute(db, &statements[EXPIRE], PARAMS(INT(before_ts)), NULL);
}
