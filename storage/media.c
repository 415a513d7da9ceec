/* What mxc:// URIs name. Spec: client-server API, "Content repository". */
#include "storage/media.h"

#include "storage/db.h"
#include "storage/statements.h"

enum {
    LOAD,
    INSERT,
    FILL,
    PUT_REMOTE,
    SET_ACCESSED,
    USAGE_OF_USER,
    USAGE_OF_ALL,
    TRIM_SERVER,
    EXPIRE_UNUSED
};

/* clang-format off */
static const struct db_statement statements[] = {
    [LOAD] = {"media_load",
        "SELECT media_nid, server_name, media_id, user_nid, file_nid, content_type, file_name, "
        "       created_ts, uploaded_ts, unused_expires_ts, accessed_ts, quarantined_ts, "
        "       deleted_ts, is_protected "
        "  FROM media "
        " WHERE server_name = $1 "
        "   AND media_id = $2"},

    [INSERT] = {"media_insert",
        "INSERT INTO media (server_name, media_id, user_nid, file_nid, content_type, file_name, "
        "                   created_ts, uploaded_ts, unused_expires_ts, accessed_ts) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $7) "
        "    ON CONFLICT (server_name, media_id) DO NOTHING "
        "RETURNING media_nid"},

    [FILL] = {"media_fill",
        "UPDATE media "
        "   SET file_nid = $2, content_type = $3, file_name = $4, uploaded_ts = $5, "
        "       accessed_ts = $5 "
        " WHERE media_nid = $1 "
        "   AND file_nid IS NULL "
        "   AND deleted_ts IS NULL "
        "   AND unused_expires_ts > $5"},

    [PUT_REMOTE] = {"media_put_remote",
        "INSERT INTO media (server_name, media_id, file_nid, content_type, file_name, created_ts, "
        "                   uploaded_ts, accessed_ts) "
        "VALUES ($1, $2, $3, $4, $5, $6, $6, $6) "
        "    ON CONFLICT (server_name, media_id) DO UPDATE "
        "   SET file_nid = EXCLUDED.file_nid, content_type = EXCLUDED.content_type, "
        "       file_name = EXCLUDED.file_name, uploaded_ts = EXCLUDED.uploaded_ts, "
        "       accessed_ts = EXCLUDED.accessed_ts, deleted_ts = NULL "
        " WHERE media.file_nid IS NULL"},

    [SET_ACCESSED] = {"media_set_accessed",
        "UPDATE media SET accessed_ts = $2 WHERE media_nid = $1"},

    [USAGE_OF_USER] = {"media_usage_of_user",
        "SELECT count(file.file_nid), coalesce(sum(file.size_bytes), 0)::bigint, "
        "       count(*) FILTER (WHERE media.file_nid IS NULL AND media.deleted_ts IS NULL "
        "                          AND media.unused_expires_ts > $2) "
        "  FROM media "
        "  LEFT JOIN media_files AS file ON file.file_nid = media.file_nid "
        " WHERE media.user_nid = $1"},

    [USAGE_OF_ALL] = {"media_usage_of_all",
        "SELECT coalesce(sum(file.size_bytes), 0)::bigint "
        "  FROM media "
        "  JOIN media_files AS file ON file.file_nid = media.file_nid "
        " WHERE media.user_nid IS NOT NULL"},

    [TRIM_SERVER] = {"media_trim_server",
        "WITH kept AS (SELECT media.media_nid, "
        "                     sum(file.size_bytes) OVER (ORDER BY media.accessed_ts DESC, "
        "                                                         media.media_nid DESC) AS bytes "
        "                FROM media "
        "                JOIN media_files AS file ON file.file_nid = media.file_nid "
        "               WHERE media.server_name = $1), "
        "     gone AS (DELETE FROM media USING kept "
        "               WHERE media.media_nid = kept.media_nid "
        "                 AND kept.bytes > $2::bigint "
        "                 AND NOT media.is_protected "
        "                 AND media.quarantined_ts IS NULL "
        "           RETURNING media.file_nid) "
        "UPDATE media_files AS file "
        "   SET reference_count = reference_count - uses.count "
        "  FROM (SELECT file_nid, count(*) AS count FROM gone GROUP BY file_nid) AS uses "
        " WHERE file.file_nid = uses.file_nid"},

    [EXPIRE_UNUSED] = {"media_expire_unused",
        "UPDATE media "
        "   SET deleted_ts = $1 "
        " WHERE unused_expires_ts <= $1 "
        "   AND file_nid IS NULL "
        "   AND deleted_ts IS NULL"},
};
STATEMENT_TABLE(media, statements);
/* clang-format on */

#define NID_OR_NULL(nid) ((nid) == 0 ? NULL_INT : INT(nid))

enum errcode media_load(struct db *db, struct arena *arena, const char *server_name,
                        const char *media_id, struct media *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(TEXT(server_name), TEXT(media_id)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = (struct media){
        .media_nid = rows_int(rows, 0, 0),
        .server_name = rows_text(rows, 0, 1),
        .media_id = rows_text(rows, 0, 2),
        .user_nid = rows_int(rows, 0, 3),
        .file_nid = rows_int(rows, 0, 4),
        .content_type = rows_text(rows, 0, 5),
        .file_name = rows_text(rows, 0, 6),
        .created_ts = rows_int(rows, 0, 7),
        .uploaded_ts = rows_int(rows, 0, 8),
        .unused_expires_ts = rows_int(rows, 0, 9),
        .accessed_ts = rows_int(rows, 0, 10),
        .quarantined_ts = rows_int(rows, 0, 11),
        .deleted_ts = rows_int(rows, 0, 12),
        .is_protected = rows_bool(rows, 0, 13),
    };
    return OK;
}

enum errcode media_insert(struct db *db, struct arena *arena, const struct media *media,
                          int64_t *nid_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[INSERT],
                 PARAMS(TEXT(media->server_name), TEXT(media->media_id),
                        NID_OR_NULL(media->user_nid), NID_OR_NULL(media->file_nid),
                        TEXT(media->content_type), TEXT(media->file_name), INT(media->created_ts),
                        NID_OR_NULL(media->uploaded_ts), NID_OR_NULL(media->unused_expires_ts)),
                 &rows));
    if (rows_count(rows) == 0)
        return M_CANNOT_OVERWRITE_MEDIA;
    *nid_out = rows_int(rows, 0, 0);
    return OK;
}

enum errcode media_fill(struct db *db, const struct media *media)
{
    int64_t affected;

    TRY(db_execute(db, &statements[FILL],
                   PARAMS(INT(media->media_nid), INT(media->file_nid), TEXT(media->content_type),
                          TEXT(media->file_name), INT(media->uploaded_ts)),
                   &affected));
    return affected == 1 ? OK : M_CANNOT_OVERWRITE_MEDIA;
}

enum errcode media_put_remote(struct db *db, const struct media *media)
{
    int64_t affected;

    TRY(db_execute(db, &statements[PUT_REMOTE],
                   PARAMS(TEXT(media->server_name), TEXT(media->media_id), INT(media->file_nid),
                          TEXT(media->content_type), TEXT(media->file_name),
                          INT(media->uploaded_ts)),
                   &affected));
    return affected == 1 ? OK : M_CANNOT_OVERWRITE_MEDIA;
}

enum errcode media_set_accessed(struct db *db, int64_t media_nid, int64_t now_ms)
{
    return db_execute(db, &statements[SET_ACCESSED], PARAMS(INT(media_nid), INT(now_ms)), NULL);
}

enum errcode media_usage_of_user(struct db *db, struct arena *arena, int64_t user_nid,
                                 int64_t now_ms, struct media_usage *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[USAGE_OF_USER], PARAMS(INT(user_nid), INT(now_ms)), &rows));
    *out = (struct media_usage){.files = rows_int(rows, 0, 0),
                                .bytes = rows_int(rows, 0, 1),
                                .waiting = rows_int(rows, 0, 2)};
    return OK;
}

enum errcode media_usage_of_all(struct db *db, struct arena *arena, int64_t *bytes_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[USAGE_OF_ALL], NO_PARAMS, &rows));
    *bytes_out = rows_int(rows, 0, 0);
    return OK;
}

enum errcode media_trim_server(struct db *db, const char *server_name, int64_t bytes_max)
{
    return db_execute(db, &statements[TRIM_SERVER], PARAMS(TEXT(server_name), INT(bytes_max)),
                      NULL);
}

enum errcode media_expire_unused(struct db *db, int64_t now_ms)
{
    return db_execute(db, &statements[EXPIRE_UNUSED], PARAMS(INT(now_ms)), NULL);
}
