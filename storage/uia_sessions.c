/* User-interactive authentication sessions; see homeserver/accounts/uia.h. */
#include "storage/uia_sessions.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { FORGET_EXPIRED, FORGET_OLDEST, INSERT, LOAD, UPDATE, DELETE };

/* clang-format off */
static const struct db_statement statements[] = {
    [FORGET_EXPIRED] = {"uia_sessions_forget_expired",
        "DELETE FROM uia_sessions WHERE expires_ts <= $1"},

    [FORGET_OLDEST] = {"uia_sessions_forget_oldest",
        "DELETE FROM uia_sessions "
        " WHERE session_id IN ( "
        "       SELECT session_id "
        "         FROM uia_sessions "
        "        WHERE user_nid = $1 "
        "        ORDER BY expires_ts DESC, session_id "
        "       OFFSET $2)"},

    [INSERT] = {"uia_sessions_insert",
        "INSERT INTO uia_sessions "
        "       (session_id, user_nid, device_id, method, path, body, completed, proofs, "
        "        expires_ts) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"},

    [LOAD] = {"uia_sessions_load",
        "SELECT session_id, user_nid, device_id, method, path, body, completed, proofs, "
        "       expires_ts "
        "  FROM uia_sessions "
        " WHERE session_id = $1 AND expires_ts > $2"},

    [UPDATE] = {"uia_sessions_update",
        "UPDATE uia_sessions SET body = $2, completed = $3, proofs = $4 WHERE session_id = $1"},

    [DELETE] = {"uia_sessions_delete",
        "DELETE FROM uia_sessions WHERE session_id = $1"},
};
STATEMENT_TABLE(uia_sessions, statements);
/* clang-format on */

enum errcode uia_session_insert(struct db *db, const struct uia_session *session, int64_t now_ms,
                                int64_t sessions_max)
{
    TRY(db_execute(db, &statements[FORGET_EXPIRED], PARAMS(INT(now_ms)), NULL));
    TRY(db_execute(db, &statements[FORGET_OLDEST],
                   PARAMS(INT(session->user_nid), INT(sessions_max - 1)), NULL));
    return db_execute(db, &statements[INSERT],
                      PARAMS(TEXT(session->session_id), INT(session->user_nid),
                             TEXT(session->device_id), TEXT(session->method), TEXT(session->path),
                             TEXT(session->body),
                             TEXT_ARRAY(session->completed, session->completed_count),
                             TEXT(session->proofs), INT(session->expires_ts)),
                      NULL);
}

enum errcode uia_session_load(struct db *db, struct arena *arena, const char *session_id,
                              int64_t now_ms, struct uia_session *out)
{
    struct db_rows *rows;
    size_t completed_count;
    const char **completed;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(TEXT(session_id), INT(now_ms)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    completed = rows_text_array(rows, 0, 6, arena, &completed_count);
    *out = (struct uia_session){
        .session_id = rows_text(rows, 0, 0),
        .user_nid = rows_int(rows, 0, 1),
        .device_id = rows_text(rows, 0, 2),
        .method = rows_text(rows, 0, 3),
        .path = rows_text(rows, 0, 4),
        .body = rows_text(rows, 0, 5),
        .completed = completed,
        .completed_count = completed_count,
        .proofs = rows_text(rows, 0, 7),
        .expires_ts = rows_int(rows, 0, 8),
    };
    return OK;
}

enum errcode uia_session_update(struct db *db, const struct uia_session *session)
{
    return db_execute(db, &statements[UPDATE],
                      PARAMS(TEXT(session->session_id), TEXT(session->body),
                             TEXT_ARRAY(session->completed, session->completed_count),
                             TEXT(session->proofs)),
                      NULL);
}

enum errcode uia_session_delete(struct db *db, const char *session_id)
{
    return db_execute(db, &statements[DELETE], PARAMS(TEXT(session_id)), NULL);
}
