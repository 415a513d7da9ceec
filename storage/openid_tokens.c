/* OpenID tokens. Spec: client-server API, "OpenID". */
#include "storage/openid_tokens.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { FORGET_EXPIRED, INSERT, FIND, DELETE_OF_USER };

/* clang-format off */
static const struct db_statement statements[] = {
    [FORGET_EXPIRED] = {"openid_tokens_forget_expired",
        "DELETE FROM openid_tokens WHERE user_nid = $1 AND expires_ts <= $2"},

    [INSERT] = {"openid_tokens_insert",
        "INSERT INTO openid_tokens (token_hash, user_nid, expires_ts) VALUES ($1, $2, $3)"},

    [FIND] = {"openid_tokens_find",
        "SELECT users.user_id "
        "  FROM openid_tokens AS token "
        "  JOIN users ON users.user_nid = token.user_nid "
        "  JOIN accounts ON accounts.user_nid = token.user_nid "
        " WHERE token.token_hash = $1 "
        "   AND token.expires_ts > $2 "
        "   AND accounts.deactivated_ts IS NULL "
        "   AND accounts.locked_ts IS NULL"},

    [DELETE_OF_USER] = {"openid_tokens_delete_of_user",
        "DELETE FROM openid_tokens WHERE user_nid = $1"},
};
STATEMENT_TABLE(openid_tokens, statements);
/* clang-format on */

enum errcode openid_token_insert(struct db *db, const uint8_t hash[SHA256_BYTES], int64_t user_nid,
                                 int64_t now_ms, int64_t expires_ts)
{
    TRY(db_execute(db, &statements[FORGET_EXPIRED], PARAMS(INT(user_nid), INT(now_ms)), NULL));
    return db_execute(db, &statements[INSERT],
                      PARAMS(BYTES(hash, SHA256_BYTES), INT(user_nid), INT(expires_ts)), NULL);
}

enum errcode openid_token_find(struct db *db, struct arena *arena, const uint8_t hash[SHA256_BYTES],
                               int64_t now_ms, const char **user_id_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[FIND], PARAMS(BYTES(hash, SHA256_BYTES), INT(now_ms)),
                 &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *user_id_out = rows_text(rows, 0, 0);
    return OK;
}

enum errcode openid_tokens_delete_of_user(struct db *db, int64_t user_nid)
{
    return db_execute(db, &statements[DELETE_OF_USER], PARAMS(INT(user_nid)), NULL);
}
