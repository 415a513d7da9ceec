/* Whether other servers answer, and how much of what concerns them they have been told. */
#include "storage/destinations.h"

#include "storage/db.h"
#include "storage/statements.h"

enum { LOAD, STORE };

/* clang-format off */
static const struct db_statement statements[] = {
    [LOAD] = {"destination_load",
        "SELECT failing_since_ts, retry_ts, retry_interval_ms FROM destinations WHERE server_name = $1"},

    [STORE] = {"destination_store",
        "INSERT INTO destinations (server_name, failing_since_ts, retry_ts, retry_interval_ms) "
        "VALUES ($1, NULLIF($2, 0), $3, $4) "
        "    ON CONFLICT (server_name) DO UPDATE "
        "   SET failing_since_ts = EXCLUDED.failing_since_ts, retry_ts = EXCLUDED.retry_ts, "
        "       retry_interval_ms = EXCLUDED.retry_interval_ms"},
};
STATEMENT_TABLE(destinations, statements);
/* clang-format on */

enum errcode destination_load(struct db *db, struct arena *arena, const char *server_name,
                              struct stored_destination *out)
{
    struct db_rows *rows;

    *out = (struct stored_destination){0};
    TRY(db_query(db, arena, &statements[LOAD], PARAMS(TEXT(server_name)), &rows));
    if (rows_count(rows) > 0)
        *out = (struct stored_destination){
            .failing_since_ts = rows_int(rows, 0, 0),
            .retry_ts = rows_int(rows, 0, 1),
            .retry_interval_ms = rows_int(rows, 0, 2),
        };
    return OK;
}

enum errcode destination_store(struct db *db, const char *server_name,
                               const struct stored_destination *destination)
{
    return db_execute(db, &statements[STORE],
                      PARAMS(TEXT(server_name), INT(destination->failing_since_ts),
                             INT(destination->retry_ts), INT(destination->retry_interval_ms)),
                      NULL);
}
