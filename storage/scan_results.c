/* Results of the virus scanner. */
#include "storage/scan_results.h"

#include "storage/db.h"
#include "storage/statements.h"

enum { LOAD, PUT, EXPIRE };

/* clang-format off */
static const struct db_statement statements[] = {
    [LOAD] = {"scan_result_load",
        "SELECT virus, signatures, scanned_ts "
        "  FROM scan_results "
        " WHERE hash = $1"},

    [PUT] = {"scan_result_put",
        "INSERT INTO scan_results (hash, virus, signatures, scanned_ts) "
        "VALUES ($1, $2, $3, $4) "
        "    ON CONFLICT (hash) DO UPDATE "
        "   SET virus = EXCLUDED.virus, signatures = EXCLUDED.signatures, "
        "       scanned_ts = EXCLUDED.scanned_ts"},

    [EXPIRE] = {"scan_results_expire",
        "DELETE FROM scan_results WHERE scanned_ts < $1"},
};
STATEMENT_TABLE(scan_results, statements);
/* clang-format on */

enum errcode scan_result_load(struct db *db, struct arena *arena, const uint8_t hash[SHA256_BYTES],
                              struct scan_result *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(BYTES(hash, SHA256_BYTES)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = (struct scan_result){.virus = rows_text(rows, 0, 0),
                                .signatures = rows_text(rows, 0, 1),
                                .scanned_ts = rows_int(rows, 0, 2)};
    return OK;
}

enum errcode scan_result_put(struct db *db, const uint8_t hash[SHA256_BYTES],
                             const struct scan_result *result)
{
    return db_execute(db, &statements[PUT],
                      PARAMS(BYTES(hash, SHA256_BYTES), TEXT(result->virus),
                             TEXT(result->signatures), INT(result->scanned_ts)),
                      NULL);
}

enum errcode scan_results_expire(struct db *db, int64_t before_ts)
{
    return db_execute(db, &statements[EXPIRE], PARAMS(INT(before_ts)), NULL);
}
