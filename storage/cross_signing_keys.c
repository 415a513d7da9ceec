/* The cross-signing keys of users. */
#include "storage/cross_signing_keys.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/journal.h"
#include "storage/statements.h"

enum { OF_USERS, EXISTS, SET, DELETE, DELETE_OF_USER };

/* clang-format off */
static const struct db_statement statements[] = {
    [OF_USERS] = {"cross_signing_keys_of_users",
        "SELECT wanted.place, k.usage, k.public_key, k.keys "
        "  FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (user_nid, place) "
        "  JOIN cross_signing_keys k USING (user_nid) "
        " ORDER BY wanted.place, k.usage"},

    [EXISTS] = {"cross_signing_keys_exists",
        "SELECT 1 FROM cross_signing_keys WHERE user_nid = $1 AND public_key = $2"},

    [SET] = {"cross_signing_keys_set",
        "INSERT INTO cross_signing_keys (user_nid, usage, public_key, keys) "
        "VALUES ($1, $2, $3, $4) "
        "    ON CONFLICT (user_nid, usage) DO UPDATE "
        "   SET public_key = EXCLUDED.public_key, keys = EXCLUDED.keys"},

    [DELETE] = {"cross_signing_keys_delete",
        "DELETE FROM cross_signing_keys WHERE user_nid = $1 AND usage = $2"},

    [DELETE_OF_USER] = {"cross_signing_keys_delete_of_user",
        "DELETE FROM cross_signing_keys WHERE user_nid = $1"},
};
STATEMENT_TABLE(cross_signing_keys, statements);
/* clang-format on */

enum errcode cross_signing_keys_of_users(struct db *db, struct arena *arena,
                                         const int64_t *user_nids, size_t user_count,
                                         struct cross_signing_row **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_USERS], PARAMS(INT_ARRAY(user_nids, user_count)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct cross_signing_row);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct cross_signing_row){
            .user = (size_t)rows_int(rows, i, 0) - 1,
            .usage = (int)rows_int(rows, i, 1),
            .public_key = rows_text(rows, i, 2),
            .keys = rows_text(rows, i, 3),
        };
    return OK;
}

enum errcode cross_signing_key_exists(struct db *db, struct arena *arena, int64_t user_nid,
                                      const char *public_key, bool *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[EXISTS], PARAMS(INT(user_nid), TEXT(public_key)), &rows));
    *out = rows_count(rows) > 0;
    return OK;
}

void cross_signing_key_set_in(struct journal_entry *entry, int64_t user_nid,
                              const struct cross_signing_row *key)
{
    journal_entry_add(
        entry, &statements[SET],
        PARAMS(INT(user_nid), INT(key->usage), TEXT(key->public_key), TEXT(key->keys)));
}

void cross_signing_key_delete_in(struct journal_entry *entry, int64_t user_nid, int usage)
{
    journal_entry_add(entry, &statements[DELETE], PARAMS(INT(user_nid), INT(usage)));
}

void cross_signing_keys_delete_of_user_in(struct journal_entry *entry, int64_t user_nid)
{
    journal_entry_add(entry, &statements[DELETE_OF_USER], PARAMS(INT(user_nid)));
}
