/* Tokens for m.login.token. Spec: client-server API, "Token-based" login. */
#include "storage/login_tokens.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { FORGET_EXPIRED, INSERT, TAKE, DELETE_OF_USER };

/* clang-format off */
static const struct db_statement statements[] = {
    [FORGET_EXPIRED] = {"login_tokens_forget_expired",
        "DELETE FROM login_tokens WHERE expires_ts <= $1"},

    [INSERT] = {"login_tokens_insert",
        "INSERT INTO login_tokens (token_hash, user_nid, expires_ts) VALUES ($1, $2, $3)"},

    [TAKE] = {"login_tokens_take",
        "DELETE FROM login_tokens "
        " WHERE token_hash = $1 AND expires_ts > $2 "
        "RETURNING user_nid"},

    [DELETE_OF_USER] = {"login_tokens_delete_of_user",
        "DELETE FROM login_tokens WHERE user_nid = $1"},
};
STATEMENT_TABLE(login_tokens, statements);
/* clang-format on */

enum errcode login_token_insert(struct db *db, const uint8_t hash[SHA256_BYTES], int64_t user_nid,
                                int64_t now_ms, int64_t expires_ts)
{
    TRY(db_execute(db, &statements[FORGET_EXPIRED], PARAMS(INT(now_ms)), NULL));
    return db_execute(db, &statements[INSERT],
                      PARAMS(BYTES(hash, SHA256_BYTES), INT(user_nid), INT(expires_ts)), NULL);
}

enum errcode login_token_take(struct db *db, struct arena *arena, const uint8_t hash[SHA256_BYTES],
                              int64_t now_ms, int64_t *user_nid_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[TAKE], PARAMS(BYTES(hash, SHA256_BYTES), INT(now_ms)),
                 &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *user_nid_out = rows_int(rows, 0, 0);
    return OK;
}

enum errcode login_tokens_delete_of_user(struct db *db, int64_t user_nid)
{
    return db_execute(db, &statements[DELETE_OF_USER], PARAMS(INT(user_nid)), NULL);
}
