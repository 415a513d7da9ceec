/* Validated e-mail addresses and phone numbers of accounts. */
#include "storage/threepids.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { FIND_USER, LOAD, INSERT, DELETE, DELETE_OF_USER };

/* clang-format off */
static const struct db_statement statements[] = {
    [FIND_USER] = {"threepids_find_user",
        "SELECT user_nid FROM threepids WHERE medium = $1 AND address = $2"},

    [LOAD] = {"threepids_load",
        "SELECT medium, address, validated_ts, added_ts "
        "  FROM threepids "
        " WHERE user_nid = $1 "
        " ORDER BY medium, address"},

    [INSERT] = {"threepids_insert",
        "INSERT INTO threepids (medium, address, user_nid, validated_ts, added_ts) "
        "VALUES ($1, $2, $3, $4, $5) "
        "    ON CONFLICT (medium, address) DO UPDATE "
        "   SET validated_ts = EXCLUDED.validated_ts "
        " WHERE threepids.user_nid = EXCLUDED.user_nid"},

    [DELETE] = {"threepids_delete",
        "DELETE FROM threepids WHERE user_nid = $1 AND medium = $2 AND address = $3"},

    [DELETE_OF_USER] = {"threepids_delete_of_user",
        "DELETE FROM threepids WHERE user_nid = $1"},
};
STATEMENT_TABLE(threepids, statements);
/* clang-format on */

enum errcode threepid_find_user(struct db *db, struct arena *arena, const char *medium,
                                const char *address, int64_t *user_nid_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[FIND_USER], PARAMS(TEXT(medium), TEXT(address)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *user_nid_out = rows_int(rows, 0, 0);
    return OK;
}

enum errcode threepids_load(struct db *db, struct arena *arena, int64_t user_nid,
                            const struct threepid **out, size_t *count_out)
{
    struct threepid *threepids;
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT(user_nid)), &rows));
    threepids = ARENA_ARRAY(arena, rows_count(rows), struct threepid);
    for (size_t row = 0; row < rows_count(rows); row++) {
        threepids[row] = (struct threepid){
            .medium = rows_text(rows, row, 0),
            .address = rows_text(rows, row, 1),
            .validated_ts = rows_int(rows, row, 2),
            .added_ts = rows_int(rows, row, 3),
        };
    }
    *out = threepids;
    *count_out = rows_count(rows);
    return OK;
}

enum errcode threepid_insert(struct db *db, int64_t user_nid, const struct threepid *threepid)
{
    int64_t touched;

    TRY(db_execute(db, &statements[INSERT],
                   PARAMS(TEXT(threepid->medium), TEXT(threepid->address), INT(user_nid),
                          INT(threepid->validated_ts), INT(threepid->added_ts)),
                   &touched));
    return touched == 1 ? OK : M_THREEPID_IN_USE;
}

enum errcode threepid_delete(struct db *db, int64_t user_nid, const char *medium,
                             const char *address)
{
    int64_t deleted;

    TRY(db_execute(db, &statements[DELETE], PARAMS(INT(user_nid), TEXT(medium), TEXT(address)),
                   &deleted));
    return deleted == 1 ? OK : M_NOT_FOUND;
}

enum errcode threepids_delete_of_user(struct db *db, int64_t user_nid)
{
    return db_execute(db, &statements[DELETE_OF_USER], PARAMS(INT(user_nid)), NULL);
}
