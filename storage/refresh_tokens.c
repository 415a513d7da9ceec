/*
 * Refresh tokens: chains of one-time tokens, one chain per session.
 * Spec: client-server API, "Refreshing access tokens".
 */
#include "storage/refresh_tokens.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { FIND_LOCKED, INSERT, CONFIRM, FORGET_OLD, DELETE_SUCCESSORS, DELETE_OF_DEVICE };

/* A replay is worth recognising while the thief may still hold the token. */
enum { REPLACED_KEPT_MS = 7 * 24 * 3600 * 1000 };

/* clang-format off */
static const struct db_statement statements[] = {
    [FIND_LOCKED] = {"refresh_tokens_find_locked",
        "SELECT token.refresh_nid, token.user_nid, users.user_id, token.device_id, "
        "       token.expires_ts, token.replaced_ts IS NOT NULL, token.previous_nid IS NOT NULL, "
        "       accounts.locked_ts IS NOT NULL "
        "  FROM refresh_tokens AS token "
        "  JOIN users ON users.user_nid = token.user_nid "
        "  JOIN accounts ON accounts.user_nid = token.user_nid "
        " WHERE token.token_hash = $1 "
        "   AND accounts.deactivated_ts IS NULL "
        "   FOR UPDATE OF token"},

    [INSERT] = {"refresh_tokens_insert",
        "INSERT INTO refresh_tokens (token_hash, user_nid, device_id, previous_nid, expires_ts) "
        "VALUES ($1, $2, $3, NULLIF($4::bigint, 0), $5) "
        "RETURNING refresh_nid"},

    /* All parts of a statement see the same snapshot, so the predecessor is read before the link to
     * it is cut. */
    [CONFIRM] = {"refresh_tokens_confirm",
        "WITH pair AS ( "
        "    SELECT refresh_nid, previous_nid "
        "      FROM refresh_tokens "
        "     WHERE refresh_nid = $1 AND previous_nid IS NOT NULL "
        "       FOR UPDATE), "
        "confirmed AS ( "
        "    UPDATE refresh_tokens SET previous_nid = NULL "
        "     WHERE refresh_nid IN (SELECT refresh_nid FROM pair)), "
        "replaced AS ( "
        "    UPDATE refresh_tokens SET replaced_ts = $2 "
        "     WHERE refresh_nid IN (SELECT previous_nid FROM pair)) "
        "DELETE FROM access_tokens "
        " WHERE refresh_nid IN (SELECT previous_nid FROM pair)"},

    [FORGET_OLD] = {"refresh_tokens_forget_old",
        "DELETE FROM refresh_tokens AS old "
        " USING refresh_tokens AS newest "
        " WHERE newest.refresh_nid = $1 "
        "   AND old.user_nid = newest.user_nid "
        "   AND old.device_id = newest.device_id "
        "   AND old.replaced_ts < $2"},

    [DELETE_SUCCESSORS] = {"refresh_tokens_delete_successors",
        "DELETE FROM refresh_tokens AS successor "
        " USING refresh_tokens AS token "
        " WHERE token.refresh_nid = $1 "
        "   AND successor.user_nid = token.user_nid "
        "   AND successor.device_id = token.device_id "
        "   AND successor.previous_nid = token.refresh_nid"},

    [DELETE_OF_DEVICE] = {"refresh_tokens_delete_of_device",
        "DELETE FROM refresh_tokens WHERE user_nid = $1 AND device_id = $2"},
};
STATEMENT_TABLE(refresh_tokens, statements);
/* clang-format on */

enum errcode refresh_token_find_locked(struct db *tx, struct arena *arena,
                                       const uint8_t hash[SHA256_BYTES], struct refresh_token *out)
{
    struct db_rows *rows;

    TRY(db_query(tx, arena, &statements[FIND_LOCKED], PARAMS(BYTES(hash, SHA256_BYTES)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = (struct refresh_token){
        .refresh_nid = rows_int(rows, 0, 0),
        .user_nid = rows_int(rows, 0, 1),
        .user_id = rows_text(rows, 0, 2),
        .device_id = rows_text(rows, 0, 3),
        .expires_ts = rows_int(rows, 0, 4),
        .is_replaced = rows_bool(rows, 0, 5),
        .is_unconfirmed = rows_bool(rows, 0, 6),
        .is_locked = rows_bool(rows, 0, 7),
    };
    return OK;
}

enum errcode refresh_token_insert(struct db *db, struct arena *arena,
                                  const uint8_t hash[SHA256_BYTES],
                                  const struct refresh_token_draft *draft, int64_t *refresh_nid_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[INSERT],
                 PARAMS(BYTES(hash, SHA256_BYTES), INT(draft->user_nid), TEXT(draft->device_id),
                        INT(draft->previous_nid), INT(draft->expires_ts)),
                 &rows));
    *refresh_nid_out = rows_int(rows, 0, 0);
    return OK;
}

enum errcode refresh_token_confirm(struct db *db, int64_t refresh_nid, int64_t now_ms)
{
    TRY(db_execute(db, &statements[CONFIRM], PARAMS(INT(refresh_nid), INT(now_ms)), NULL));
    return db_execute(db, &statements[FORGET_OLD],
                      PARAMS(INT(refresh_nid), INT(now_ms - REPLACED_KEPT_MS)), NULL);
}

enum errcode refresh_token_delete_successors(struct db *db, int64_t refresh_nid)
{
    return db_execute(db, &statements[DELETE_SUCCESSORS], PARAMS(INT(refresh_nid)), NULL);
}

enum errcode refresh_tokens_delete_of_device(struct db *db, int64_t user_nid, const char *device_id)
{
    return db_execute(db, &statements[DELETE_OF_DEVICE], PARAMS(INT(user_nid), TEXT(device_id)),
                      NULL);
}
