/* Backups of room keys. */
#include "storage/key_backups.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/statements.h"

enum {
    CREATE,
    LOAD_NEWEST,
    LOAD,
    LOAD_LOCKED,
    SET_AUTH_DATA,
    TOUCH,
    DELETE,
    DELETE_SESSIONS_OF_BACKUP,
    DELETE_SESSIONS_OF_USER,
    DELETE_OF_USER,
    LOAD_SESSIONS,
    DELETE_SESSIONS,
    FIND_SESSIONS,
    PUT_SESSIONS,
};

#define BACKUP_COLUMNS "SELECT version, algorithm, auth_data, etag, key_count FROM key_backups "

#define SESSION_COLUMNS                                                                            \
    "room_id, session_id, first_message_index, forwarded_count, is_verified, data "

/* clang-format off */
static const struct db_statement statements[] = {
    [CREATE] = {"key_backups_create",
        "INSERT INTO key_backups (user_nid, algorithm, auth_data) "
        "VALUES ($1, $2, $3) "
        "RETURNING version"},

    [LOAD_NEWEST] = {"key_backups_load_newest",
        BACKUP_COLUMNS
        " WHERE user_nid = $1 AND NOT is_deleted "
        " ORDER BY version DESC "
        " LIMIT 1"},

    [LOAD] = {"key_backups_load",
        BACKUP_COLUMNS
        " WHERE user_nid = $1 AND version = $2 AND NOT is_deleted"},

    [LOAD_LOCKED] = {"key_backups_load_locked",
        BACKUP_COLUMNS
        " WHERE user_nid = $1 AND version = $2 AND NOT is_deleted "
        "   FOR UPDATE"},

    [SET_AUTH_DATA] = {"key_backups_set_auth_data",
        "UPDATE key_backups SET auth_data = $2 WHERE version = $1"},

    [TOUCH] = {"key_backups_touch",
        "UPDATE key_backups SET etag = etag + 1, key_count = key_count + $2 WHERE version = $1"},

    [DELETE] = {"key_backups_delete",
        "UPDATE key_backups SET is_deleted = true, key_count = 0, auth_data = '{}' "
        " WHERE user_nid = $1 AND version = $2"},

    [DELETE_SESSIONS_OF_BACKUP] = {"key_backups_delete_sessions_of_backup",
        "DELETE FROM key_backup_sessions WHERE version = $1"},

    [DELETE_SESSIONS_OF_USER] = {"key_backups_delete_sessions_of_user",
        "DELETE FROM key_backup_sessions "
        " WHERE version IN (SELECT version FROM key_backups WHERE user_nid = $1)"},

    [DELETE_OF_USER] = {"key_backups_delete_of_user",
        "DELETE FROM key_backups WHERE user_nid = $1"},

    [LOAD_SESSIONS] = {"key_backups_load_sessions",
        "SELECT " SESSION_COLUMNS
        "  FROM key_backup_sessions "
        " WHERE version = $1 AND ($2::text IS NULL OR room_id = $2) "
        "   AND ($3::text IS NULL OR session_id = $3) "
        " ORDER BY room_id, session_id"},

    [DELETE_SESSIONS] = {"key_backups_delete_sessions",
        "DELETE FROM key_backup_sessions "
        " WHERE version = $1 AND ($2::text IS NULL OR room_id = $2) "
        "   AND ($3::text IS NULL OR session_id = $3)"},

    [FIND_SESSIONS] = {"key_backups_find_sessions",
        "SELECT wanted.place, " SESSION_COLUMNS
        "  FROM unnest($2::text[], $3::text[]) WITH ORDINALITY "
        "       AS wanted (room_id, session_id, place) "
        "  JOIN key_backup_sessions s USING (room_id, session_id) "
        " WHERE s.version = $1"},

    [PUT_SESSIONS] = {"key_backups_put_sessions",
        "INSERT INTO key_backup_sessions (version, " SESSION_COLUMNS ") "
        "SELECT $1::bigint, n.room_id, n.session_id, n.first_message_index, n.forwarded_count, "
        "       n.is_verified, n.data "
        "  FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::boolean[], "
        "              $7::text[]) "
        "       AS n (room_id, session_id, first_message_index, forwarded_count, is_verified, data) "
        "    ON CONFLICT (version, room_id, session_id) DO UPDATE "
        "   SET first_message_index = EXCLUDED.first_message_index, "
        "       forwarded_count = EXCLUDED.forwarded_count, "
        "       is_verified = EXCLUDED.is_verified, data = EXCLUDED.data"},
};
STATEMENT_TABLE(key_backups, statements);
/* clang-format on */

enum errcode key_backup_create(struct db *db, struct arena *arena, int64_t user_nid,
                               const char *algorithm, const char *auth_data, int64_t *version_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[CREATE],
                 PARAMS(INT(user_nid), TEXT(algorithm), TEXT(auth_data)), &rows));
    *version_out = rows_int(rows, 0, 0);
    return OK;
}

static enum errcode read_backup(const struct db_rows *rows, struct key_backup *out)
{
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = (struct key_backup){
        .version = rows_int(rows, 0, 0),
        .algorithm = rows_text(rows, 0, 1),
        .auth_data = rows_text(rows, 0, 2),
        .etag = rows_int(rows, 0, 3),
        .key_count = rows_int(rows, 0, 4),
    };
    return OK;
}

enum errcode key_backup_load_newest(struct db *db, struct arena *arena, int64_t user_nid,
                                    struct key_backup *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD_NEWEST], PARAMS(INT(user_nid)), &rows));
    return read_backup(rows, out);
}

enum errcode key_backup_load(struct db *db, struct arena *arena, int64_t user_nid, int64_t version,
                             struct key_backup *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT(user_nid), INT(version)), &rows));
    return read_backup(rows, out);
}

enum errcode key_backup_load_locked(struct db *tx, struct arena *arena, int64_t user_nid,
                                    int64_t version, struct key_backup *out)
{
    struct db_rows *rows;

    TRY(db_query(tx, arena, &statements[LOAD_LOCKED], PARAMS(INT(user_nid), INT(version)), &rows));
    return read_backup(rows, out);
}

enum errcode key_backup_set_auth_data(struct db *db, int64_t version, const char *auth_data)
{
    return db_execute(db, &statements[SET_AUTH_DATA], PARAMS(INT(version), TEXT(auth_data)), NULL);
}

enum errcode key_backup_touch(struct db *tx, int64_t version, int64_t more_keys)
{
    return db_execute(tx, &statements[TOUCH], PARAMS(INT(version), INT(more_keys)), NULL);
}

enum errcode key_backup_delete(struct db *tx, int64_t user_nid, int64_t version)
{
    int64_t affected;

    TRY(db_execute(tx, &statements[DELETE], PARAMS(INT(user_nid), INT(version)), &affected));
    if (affected == 0)
        return M_NOT_FOUND;
    return db_execute(tx, &statements[DELETE_SESSIONS_OF_BACKUP], PARAMS(INT(version)), NULL);
}

enum errcode key_backups_delete_of_user(struct db *tx, int64_t user_nid)
{
    TRY(db_execute(tx, &statements[DELETE_SESSIONS_OF_USER], PARAMS(INT(user_nid)), NULL));
    return db_execute(tx, &statements[DELETE_OF_USER], PARAMS(INT(user_nid)), NULL);
}

/* The columns of a session begin at `column`. */
static struct key_backup_session read_session(const struct db_rows *rows, size_t row, int column)
{
    return (struct key_backup_session){
        .room_id = rows_text(rows, row, column),
        .session_id = rows_text(rows, row, column + 1),
        .first_message_index = rows_int(rows, row, column + 2),
        .forwarded_count = rows_int(rows, row, column + 3),
        .is_verified = rows_bool(rows, row, column + 4),
        .data = rows_text(rows, row, column + 5),
    };
}

enum errcode key_backup_sessions_load(struct db *db, struct arena *arena,
                                      const struct key_backup_scope *scope,
                                      struct key_backup_session **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD_SESSIONS],
                 PARAMS(INT(scope->version), TEXT(scope->room_id), TEXT(scope->session_id)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct key_backup_session);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = read_session(rows, i, 0);
    return OK;
}

enum errcode key_backup_sessions_delete(struct db *tx, const struct key_backup_scope *scope,
                                        int64_t *deleted_out)
{
    return db_execute(tx, &statements[DELETE_SESSIONS],
                      PARAMS(INT(scope->version), TEXT(scope->room_id), TEXT(scope->session_id)),
                      deleted_out);
}

/* The members of sessions, as columns. */
struct session_columns {
    const char **room_ids;
    const char **session_ids;
    int64_t *first_message_indexes;
    int64_t *forwarded_counts;
    bool *are_verified;
    const char **data;
};

static struct session_columns columns_of(struct arena *arena,
                                         const struct key_backup_session *sessions, size_t count)
{
    struct session_columns columns = {
        .room_ids = ARENA_ARRAY(arena, count, const char *),
        .session_ids = ARENA_ARRAY(arena, count, const char *),
        .first_message_indexes = ARENA_ARRAY(arena, count, int64_t),
        .forwarded_counts = ARENA_ARRAY(arena, count, int64_t),
        .are_verified = ARENA_ARRAY(arena, count, bool),
        .data = ARENA_ARRAY(arena, count, const char *),
    };

    for (size_t i = 0; i < count; i++) {
        columns.room_ids[i] = sessions[i].room_id;
        columns.session_ids[i] = sessions[i].session_id;
        columns.first_message_indexes[i] = sessions[i].first_message_index;
        columns.forwarded_counts[i] = sessions[i].forwarded_count;
        columns.are_verified[i] = sessions[i].is_verified;
        columns.data[i] = sessions[i].data;
    }
    return columns;
}

enum errcode key_backup_sessions_find(struct db *tx, struct arena *arena, int64_t version,
                                      const struct key_backup_session *sessions, size_t count,
                                      struct key_backup_session **out)
{
    struct session_columns columns = columns_of(arena, sessions, count);
    struct db_rows *rows;

    TRY(db_query(tx, arena, &statements[FIND_SESSIONS],
                 PARAMS(INT(version), TEXT_ARRAY(columns.room_ids, count),
                        TEXT_ARRAY(columns.session_ids, count)),
                 &rows));
    *out = ARENA_ARRAY(arena, count, struct key_backup_session);
    for (size_t row = 0; row < rows_count(rows); row++)
        (*out)[rows_int(rows, row, 0) - 1] = read_session(rows, row, 1);
    return OK;
}

enum errcode key_backup_sessions_put(struct db *tx, struct arena *arena, int64_t version,
                                     const struct key_backup_session *sessions, size_t count)
{
    struct session_columns columns = columns_of(arena, sessions, count);

    return db_execute(tx, &statements[PUT_SESSIONS],
                      PARAMS(INT(version), TEXT_ARRAY(columns.room_ids, count),
                             TEXT_ARRAY(columns.session_ids, count),
                             INT_ARRAY(columns.first_message_indexes, count),
                             INT_ARRAY(columns.forwarded_counts, count),
                             BOOL_ARRAY(columns.are_verified, count),
                             TEXT_ARRAY(columns.data, count)),
                      NULL);
}
