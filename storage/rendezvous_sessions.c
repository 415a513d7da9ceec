/* Rendezvous sessions: anybody who knows the ID reads and writes. */
#include "storage/rendezvous_sessions.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { INSERT, LOAD, UPDATE, REMOVE, EXPIRE };

/* clang-format off */
static const struct db_statement statements[] = {
    [INSERT] = {"rendezvous_sessions_insert",
        "INSERT INTO rendezvous_sessions (session_id, etag, payload, modified_ts, expires_ts) "
        "SELECT $1, $2, $3, $4, $5 "
        " WHERE (SELECT count(*) FROM rendezvous_sessions WHERE expires_ts > $4) < $6"},

    [LOAD] = {"rendezvous_sessions_load",
        "SELECT session_id, etag, payload, modified_ts, expires_ts "
        "  FROM rendezvous_sessions "
        " WHERE session_id = $1 AND expires_ts > $2"},

    [UPDATE] = {"rendezvous_sessions_update",
        "UPDATE rendezvous_sessions "
        "   SET etag = $3, payload = $4, modified_ts = $5 "
        " WHERE session_id = $1 AND etag = $2 AND expires_ts > $5 "
        "RETURNING expires_ts"},

    [REMOVE] = {"rendezvous_sessions_delete",
        "DELETE FROM rendezvous_sessions WHERE session_id = $1 AND expires_ts > $2"},

    [EXPIRE] = {"rendezvous_sessions_expire",
        "DELETE FROM rendezvous_sessions WHERE expires_ts <= $1"},
};
STATEMENT_TABLE(rendezvous_sessions, statements);
/* clang-format on */

enum errcode rendezvous_session_insert(struct db *db, const struct rendezvous_session *session,
                                       int64_t sessions_max)
{
    int64_t inserted;

    TRY(db_execute(db, &statements[INSERT],
                   PARAMS(TEXT(session->session_id), TEXT(session->etag),
                          BYTES(session->payload, session->payload_size), INT(session->modified_ts),
                          INT(session->expires_ts), INT(sessions_max)),
                   &inserted));
    return inserted > 0 ? OK : M_LIMIT_EXCEEDED;
}

enum errcode rendezvous_session_load(struct db *db, struct arena *arena, const char *session_id,
                                     int64_t now_ms, struct rendezvous_session *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(TEXT(session_id), INT(now_ms)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = (struct rendezvous_session){
        .session_id = rows_text(rows, 0, 0),
        .etag = rows_text(rows, 0, 1),
        .modified_ts = rows_int(rows, 0, 3),
        .expires_ts = rows_int(rows, 0, 4),
    };
    out->payload = rows_bytes(rows, 0, 2, &out->payload_size);
    return OK;
}

enum errcode rendezvous_session_update(struct db *db, struct arena *arena, const char *expected,
                                       struct rendezvous_session *session, bool *was_written_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[UPDATE],
                 PARAMS(TEXT(session->session_id), TEXT(expected), TEXT(session->etag),
                        BYTES(session->payload, session->payload_size), INT(session->modified_ts)),
                 &rows));
    *was_written_out = rows_count(rows) > 0;
    if (!*was_written_out)
        return rendezvous_session_load(db, arena, session->session_id, session->modified_ts,
                                       session);
    session->expires_ts = rows_int(rows, 0, 0);
    return OK;
}

enum errcode rendezvous_session_delete(struct db *db, const char *session_id, int64_t now_ms)
{
    int64_t deleted;

    TRY(db_execute(db, &statements[REMOVE], PARAMS(TEXT(session_id), INT(now_ms)), &deleted));
    return deleted > 0 ? OK : M_NOT_FOUND;
}

enum errcode rendezvous_sessions_expire(struct db *db, int64_t now_ms)
{
    return db_execute(db, &statements[EXPIRE], PARAMS(INT(now_ms)), NULL);
}
