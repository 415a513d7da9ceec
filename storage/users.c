/*
 * Interned user IDs.
 *
 * Lookups come first and inserts only for what is missing: nearly every call finds its rows, and an
 * INSERT that meets a conflict would burn a number and write to the log for nothing.
 */
#include "storage/users.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { FIND, INSERT, LOAD_IDS };

/* clang-format off */
static const struct db_statement statements[] = {
    [FIND] = {"users_find",
        "SELECT wanted.place, users.user_nid "
        "  FROM unnest($1::text[]) WITH ORDINALITY AS wanted (user_id, place) "
        "  JOIN users ON users.user_id = wanted.user_id "
        " ORDER BY wanted.place"},

    /* In one order everywhere, so that two nodes that meet the same users do not deadlock. */
    [INSERT] = {"users_insert",
        "INSERT INTO users (user_id) "
        "SELECT DISTINCT wanted.user_id "
        "  FROM unnest($1::text[]) AS wanted (user_id) "
        " ORDER BY wanted.user_id "
        "    ON CONFLICT (user_id) DO NOTHING"},

    [LOAD_IDS] = {"users_load_ids",
        "SELECT wanted.place, users.user_id "
        "  FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (user_nid, place) "
        "  JOIN users ON users.user_nid = wanted.user_nid "
        " ORDER BY wanted.place"},
};
STATEMENT_TABLE(users, statements);
/* clang-format on */

enum errcode user_nids_find(struct db *db, struct arena *arena, const char *const *user_ids,
                            size_t count, int64_t *nids_out)
{
    struct db_rows *rows;

    for (size_t i = 0; i < count; i++)
        nids_out[i] = 0;
    if (count == 0)
        return OK;
    TRY(db_query(db, arena, &statements[FIND], PARAMS(TEXT_ARRAY(user_ids, count)), &rows));
    for (size_t row = 0; row < rows_count(rows); row++)
        nids_out[rows_int(rows, row, 0) - 1] = rows_int(rows, row, 1);
    return OK;
}

enum errcode user_nids_intern(struct db *db, struct arena *arena, const char *const *user_ids,
                              size_t count, int64_t *nids_out)
{
    const char **missing = ARENA_ARRAY(arena, count, const char *);
    size_t missing_count = 0;

    TRY(user_nids_find(db, arena, user_ids, count, nids_out));
    for (size_t i = 0; i < count; i++) {
        if (nids_out[i] == 0)
            missing[missing_count++] = user_ids[i];
    }
    if (missing_count == 0)
        return OK;
    TRY(db_execute(db, &statements[INSERT], PARAMS(TEXT_ARRAY(missing, missing_count)), NULL));
    /* Read back instead of RETURNING: rows that another connection made meanwhile count too. */
    return user_nids_find(db, arena, user_ids, count, nids_out);
}

enum errcode user_nid_intern(struct db *db, struct arena *arena, const char *user_id,
                             int64_t *nid_out)
{
    return user_nids_intern(db, arena, &user_id, 1, nid_out);
}

enum errcode user_nid_find(struct db *db, struct arena *arena, const char *user_id,
                           int64_t *nid_out)
{
    int64_t nid;

    TRY(user_nids_find(db, arena, &user_id, 1, &nid));
    if (nid == 0)
        return M_NOT_FOUND;
    *nid_out = nid;
    return OK;
}

enum errcode user_ids_load(struct db *db, struct arena *arena, const int64_t *nids, size_t count,
                           const char ***out)
{
    const char **user_ids = ARENA_ARRAY(arena, count, const char *);
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD_IDS], PARAMS(INT_ARRAY(nids, count)), &rows));
    for (size_t row = 0; row < rows_count(rows); row++)
        user_ids[rows_int(rows, row, 0) - 1] = rows_text(rows, row, 1);
    *out = user_ids;
    return OK;
}

enum errcode user_id_load(struct db *db, struct arena *arena, int64_t user_nid, const char **out)
{
    const char **user_ids;

    TRY(user_ids_load(db, arena, &user_nid, 1, &user_ids));
    if (user_ids[0] == NULL)
        return M_NOT_FOUND;
    *out = user_ids[0];
    return OK;
}
