/*
 * Access tokens. The table holds SHA-256 hashes only: a stolen database opens no session, and a
 * lookup by hash leaks nothing about tokens through its timing.
 */
#include "storage/access_tokens.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { FIND, INSERT, DELETE_OF_DEVICE };

/* clang-format off */
static const struct db_statement statements[] = {
    [FIND] = {"access_tokens_find",
        "SELECT token.token_nid, token.user_nid, users.user_id, token.device_id, "
        "       token.expires_ts, "
        "       CASE WHEN refresh.previous_nid IS NOT NULL THEN refresh.refresh_nid END, "
        "       devices.last_seen_ts, accounts.appservice_id, "
        "       accounts.is_guest, accounts.is_admin, "
        "       accounts.locked_ts IS NOT NULL, accounts.suspended_ts IS NOT NULL "
        "  FROM access_tokens AS token "
        "  JOIN users ON users.user_nid = token.user_nid "
        "  JOIN accounts ON accounts.user_nid = token.user_nid "
        "  JOIN devices ON devices.user_nid = token.user_nid "
        "              AND devices.device_id = token.device_id "
        "  LEFT JOIN refresh_tokens AS refresh ON refresh.refresh_nid = token.refresh_nid "
        " WHERE token.token_hash = $1 "
        "   AND accounts.deactivated_ts IS NULL"},

    [INSERT] = {"access_tokens_insert",
        "INSERT INTO access_tokens "
        "       (token_hash, user_nid, device_id, refresh_nid, created_ts, expires_ts) "
        "VALUES ($1, $2, $3, NULLIF($4::bigint, 0), $5, NULLIF($6::bigint, 0))"},

    [DELETE_OF_DEVICE] = {"access_tokens_delete_of_device",
        "DELETE FROM access_tokens WHERE user_nid = $1 AND device_id = $2"},
};
STATEMENT_TABLE(access_tokens, statements);
const struct db_statement access_tokens_listen = {"access_tokens_listen", "LISTEN beffroi_tokens"};
STATEMENT_TABLE_OF_ONE(access_tokens_listen);
/* clang-format on */

enum errcode access_token_find(struct db *db, struct arena *arena, const uint8_t hash[SHA256_BYTES],
                               struct access_token *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[FIND], PARAMS(BYTES(hash, SHA256_BYTES)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = (struct access_token){
        .token_nid = rows_int(rows, 0, 0),
        .user_nid = rows_int(rows, 0, 1),
        .user_id = rows_text(rows, 0, 2),
        .device_id = rows_text(rows, 0, 3),
        .expires_ts = rows_int(rows, 0, 4),
        .unconfirmed_nid = rows_int(rows, 0, 5),
        .last_seen_ts = rows_int(rows, 0, 6),
        .appservice_id = rows_text(rows, 0, 7),
        .is_guest = rows_bool(rows, 0, 8),
        .is_admin = rows_bool(rows, 0, 9),
        .is_locked = rows_bool(rows, 0, 10),
        .is_suspended = rows_bool(rows, 0, 11),
    };
    return OK;
}

enum errcode access_token_insert(struct db *db, const uint8_t hash[SHA256_BYTES],
                                 const struct access_token_draft *draft)
{
    return db_execute(db, &statements[INSERT],
                      PARAMS(BYTES(hash, SHA256_BYTES), INT(draft->user_nid),
                             TEXT(draft->device_id), INT(draft->refresh_nid),
                             INT(draft->created_ts), INT(draft->expires_ts)),
                      NULL);
}

enum errcode access_tokens_delete_of_device(struct db *db, int64_t user_nid, const char *device_id)
{
    return db_execute(db, &statements[DELETE_OF_DEVICE], PARAMS(INT(user_nid), TEXT(device_id)),
                      NULL);
}
