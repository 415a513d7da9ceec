/*
 * Registration tokens and nonces. Spec: client-server API, "Token-authenticated registration".
 */
#include "storage/registration_tokens.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/statements.h"

enum {
    INSERT,
    LOAD,
    LOAD_ALL,
    UPDATE,
    DELETE,
    IS_VALID,
    USE,
    NONCE_FORGET_EXPIRED,
    NONCE_INSERT,
    NONCE_TAKE
};

#define TOKEN_COLUMNS                                                                              \
    "SELECT token, COALESCE(uses_allowed, -1), uses_completed, expires_ts "                        \
    "  FROM registration_tokens "

/* clang-format off */
static const struct db_statement statements[] = {
    [INSERT] = {"registration_tokens_insert",
        "INSERT INTO registration_tokens (token, uses_allowed, expires_ts, created_ts) "
        "VALUES ($1, NULLIF($2::bigint, -1), NULLIF($3::bigint, 0), $4) "
        "    ON CONFLICT (token) DO NOTHING"},

    [LOAD] = {"registration_tokens_load",
        TOKEN_COLUMNS
        " WHERE token = $1"},

    [LOAD_ALL] = {"registration_tokens_load_all",
        TOKEN_COLUMNS
        " ORDER BY token"},

    /* A limit below the uses so far means: no more of them. */
    [UPDATE] = {"registration_tokens_update",
        "UPDATE registration_tokens "
        "   SET uses_allowed = GREATEST(NULLIF($2::bigint, -1), "
        "                      CASE WHEN $2::bigint <> -1 THEN uses_completed END), "
        "       expires_ts = NULLIF($3::bigint, 0) "
        " WHERE token = $1"},

    [DELETE] = {"registration_tokens_delete",
        "DELETE FROM registration_tokens WHERE token = $1"},

    [IS_VALID] = {"registration_tokens_is_valid",
        "SELECT 1 "
        "  FROM registration_tokens "
        " WHERE token = $1 "
        "   AND (uses_allowed IS NULL OR uses_completed < uses_allowed) "
        "   AND (expires_ts IS NULL OR expires_ts > $2)"},

    [USE] = {"registration_tokens_use",
        "UPDATE registration_tokens "
        "   SET uses_completed = uses_completed + 1 "
        " WHERE token = $1 "
        "   AND (uses_allowed IS NULL OR uses_completed < uses_allowed) "
        "   AND (expires_ts IS NULL OR expires_ts > $2)"},

    [NONCE_FORGET_EXPIRED] = {"registration_nonces_forget_expired",
        "DELETE FROM registration_nonces WHERE expires_ts <= $1"},

    [NONCE_INSERT] = {"registration_nonces_insert",
        "INSERT INTO registration_nonces (nonce, expires_ts) VALUES ($1, $2)"},

    [NONCE_TAKE] = {"registration_nonces_take",
        "DELETE FROM registration_nonces WHERE nonce = $1 AND expires_ts > $2"},
};
STATEMENT_TABLE(registration_tokens, statements);
/* clang-format on */

static struct registration_token token_of_row(const struct db_rows *rows, size_t row)
{
    return (struct registration_token){
        .token = rows_text(rows, row, 0),
        .uses_allowed = rows_int(rows, row, 1),
        .uses_completed = rows_int(rows, row, 2),
        .expires_ts = rows_int(rows, row, 3),
    };
}

enum errcode registration_token_insert(struct db *db, const struct registration_token *token,
                                       int64_t now_ms)
{
    int64_t inserted;

    TRY(db_execute(
        db, &statements[INSERT],
        PARAMS(TEXT(token->token), INT(token->uses_allowed), INT(token->expires_ts), INT(now_ms)),
        &inserted));
    return inserted == 1 ? OK : M_INVALID_PARAM;
}

enum errcode registration_token_load(struct db *db, struct arena *arena, const char *token,
                                     struct registration_token *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(TEXT(token)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = token_of_row(rows, 0);
    return OK;
}

enum errcode registration_tokens_load(struct db *db, struct arena *arena,
                                      const struct registration_token **out, size_t *count_out)
{
    struct registration_token *tokens;
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD_ALL], NO_PARAMS, &rows));
    tokens = ARENA_ARRAY(arena, rows_count(rows), struct registration_token);
    for (size_t row = 0; row < rows_count(rows); row++)
        tokens[row] = token_of_row(rows, row);
    *out = tokens;
    *count_out = rows_count(rows);
    return OK;
}

enum errcode registration_token_update(struct db *db, const struct registration_token *token)
{
    int64_t updated;

    TRY(db_execute(db, &statements[UPDATE],
                   PARAMS(TEXT(token->token), INT(token->uses_allowed), INT(token->expires_ts)),
                   &updated));
    return updated == 1 ? OK : M_NOT_FOUND;
}

enum errcode registration_token_delete(struct db *db, const char *token)
{
    int64_t deleted;

    TRY(db_execute(db, &statements[DELETE], PARAMS(TEXT(token)), &deleted));
    return deleted == 1 ? OK : M_NOT_FOUND;
}

enum errcode registration_token_is_valid(struct db *db, struct arena *arena, const char *token,
                                         int64_t now_ms, bool *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[IS_VALID], PARAMS(TEXT(token), INT(now_ms)), &rows));
    *out = rows_count(rows) > 0;
    return OK;
}

enum errcode registration_token_use(struct db *tx, const char *token, int64_t now_ms)
{
    int64_t used;

    TRY(db_execute(tx, &statements[USE], PARAMS(TEXT(token), INT(now_ms)), &used));
    return used == 1 ? OK : M_FORBIDDEN;
}

enum errcode registration_nonce_insert(struct db *db, const char *nonce, int64_t now_ms,
                                       int64_t expires_ts)
{
    TRY(db_execute(db, &statements[NONCE_FORGET_EXPIRED], PARAMS(INT(now_ms)), NULL));
    return db_execute(db, &statements[NONCE_INSERT], PARAMS(TEXT(nonce), INT(expires_ts)), NULL);
}

enum errcode registration_nonce_take(struct db *db, const char *nonce, int64_t now_ms)
{
    int64_t taken;

    TRY(db_execute(db, &statements[NONCE_TAKE], PARAMS(TEXT(nonce), INT(now_ms)), &taken));
    return taken == 1 ? OK : M_NOT_FOUND;
}
