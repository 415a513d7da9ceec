/* Filters that clients have defined. */
#include "storage/filters.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/sha256.h"
#include "storage/statements.h"

enum { FIND, SAVE, LOAD };

static const struct db_statement statements[] = {
    [FIND] = {"filter_find", "SELECT filter_nid::text "
                             "  FROM filters "
                             " WHERE user_nid = $1 AND content_hash = $2"},

    [SAVE] = {"filter_save",
              "INSERT INTO filters (user_nid, content_hash, content) "
              "SELECT $1, $2, $3 "
              " WHERE (SELECT count(*) FROM filters WHERE user_nid = $1) < $4 "
              "    ON CONFLICT (user_nid, content_hash) DO UPDATE SET content = EXCLUDED.content "
              "RETURNING filter_nid::text"},

    [LOAD] = {"filter_load", "SELECT content "
                             "  FROM filters "
                             " WHERE user_nid = $1 AND filter_nid::text = $2"},
};

STATEMENT_TABLE(filters, statements);

enum errcode filter_save(struct db *db, struct arena *arena, int64_t user_nid, const char *content,
                         const char **filter_id_out)
{
    uint8_t hash[SHA256_BYTES];
    struct db_rows *rows;

    sha256(content, strlen(content), hash);
    TRY(db_query(db, arena, &statements[FIND], PARAMS(INT(user_nid), BYTES(hash, sizeof(hash))),
                 &rows));
    if (rows_count(rows) == 0)
        TRY(db_query(db, arena, &statements[SAVE],
                     PARAMS(INT(user_nid), BYTES(hash, sizeof(hash)), TEXT(content),
                            INT(FILTERS_PER_USER_MAX)),
                     &rows));
    if (rows_count(rows) == 0)
        return M_RESOURCE_LIMIT_EXCEEDED;
    *filter_id_out = rows_text(rows, 0, 0);
    return OK;
}

enum errcode filter_load(struct db *db, struct arena *arena, int64_t user_nid,
                         const char *filter_id, const char **content_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT(user_nid), TEXT(filter_id)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *content_out = rows_text(rows, 0, 0);
    return OK;
}
