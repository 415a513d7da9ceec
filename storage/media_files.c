/* Bytes of media: rows, references, objects in doubt, thumbnails. */
#include "storage/media_files.h"

#include "homeserver/base/arena.h"
#include "storage/statements.h"

enum {
    LOAD,
    LOAD_BY_HASH,
    REFER,
    REFER_BY_HASH,
    RELEASE,
    MOVE,
    LIST,
    DOUBT,
    KEEP,
    FORGET,
    CONDEMN,
    REAP,
    LOAD_THUMBNAIL,
    INSERT_THUMBNAIL
};

/* clang-format off */
static const struct db_statement statements[] = {
    [LOAD] = {"media_file_load",
        "SELECT file_nid, hash, object, store, size_bytes "
        "  FROM media_files "
        " WHERE file_nid = $1"},

    [LOAD_BY_HASH] = {"media_file_load_by_hash",
        "SELECT file_nid, hash, object, store, size_bytes "
        "  FROM media_files "
        " WHERE hash = $1"},

    [REFER] = {"media_file_refer",
        "INSERT INTO media_files "
        "       (hash, object, store, size_bytes, reference_count, created_ts) "
        "VALUES ($1, $2, $3, $4, 1, $5) "
        "    ON CONFLICT (hash) DO UPDATE "
        "   SET reference_count = media_files.reference_count + 1 "
        "RETURNING file_nid, object"},

    [REFER_BY_HASH] = {"media_file_refer_by_hash",
        "UPDATE media_files "
        "   SET reference_count = reference_count + 1 "
        " WHERE hash = $1 "
        "RETURNING file_nid"},

    [RELEASE] = {"media_file_release",
        "UPDATE media_files "
        "   SET reference_count = reference_count - 1 "
        " WHERE file_nid = $1"},

    [MOVE] = {"media_file_move",
        "UPDATE media_files SET object = $3, store = $4 WHERE file_nid = $1 AND object = $2"},

    [LIST] = {"media_files_list",
        "SELECT file_nid, hash, object, store, size_bytes "
        "  FROM media_files "
        " WHERE store = $1 "
        "   AND file_nid > $2 "
        " ORDER BY file_nid "
        " LIMIT $3"},

    [DOUBT] = {"media_object_doubt",
        "INSERT INTO media_objects_in_doubt AS doubt (object, store, since_ts) VALUES ($1, $2, $3) "
        "    ON CONFLICT (object) DO UPDATE "
        "   SET since_ts = least(doubt.since_ts, EXCLUDED.since_ts)"},

    [KEEP] = {"media_object_keep",
        "DELETE FROM media_objects_in_doubt WHERE object = $1 AND since_ts > 0"},

    [FORGET] = {"media_object_forget",
        "DELETE FROM media_objects_in_doubt WHERE object = $1"},

    [CONDEMN] = {"media_objects_condemn",
        "UPDATE media_objects_in_doubt "
        "   SET since_ts = 0 "
        " WHERE object IN (SELECT object FROM media_objects_in_doubt WHERE since_ts <= $1 "
        "                   ORDER BY since_ts, object LIMIT $2 FOR UPDATE SKIP LOCKED) "
        "RETURNING object, store"},

    /* A thumbnail's file that has no other use is taken by the next call. */
    [REAP] = {"media_files_reap",
        "WITH chosen AS (SELECT file_nid FROM media_files WHERE reference_count = 0 "
        "                 ORDER BY file_nid LIMIT $1 FOR UPDATE SKIP LOCKED), "
        "     gone AS (DELETE FROM media_files AS file USING chosen "
        "               WHERE file.file_nid = chosen.file_nid "
        "           RETURNING file.file_nid, file.object, file.store), "
        "     thumbnails AS (DELETE FROM media_thumbnails AS thumbnail USING gone "
        "                     WHERE thumbnail.source_nid = gone.file_nid "
        "                 RETURNING thumbnail.file_nid), "
        "     unused AS (UPDATE media_files AS file "
        "                   SET reference_count = reference_count - uses.count "
        "                  FROM (SELECT file_nid, count(*) AS count "
        "                          FROM thumbnails GROUP BY file_nid) AS uses "
        "                 WHERE file.file_nid = uses.file_nid) "
        "INSERT INTO media_objects_in_doubt (object, store, since_ts) "
        "SELECT object, store, 0 FROM gone"},

    [LOAD_THUMBNAIL] = {"media_thumbnail_load",
        "SELECT file.file_nid, file.hash, file.object, file.store, file.size_bytes, "
        "       thumbnail.content_type "
        "  FROM media_thumbnails AS thumbnail "
        "  JOIN media_files AS file "
        "    ON file.file_nid = coalesce(thumbnail.file_nid, thumbnail.source_nid) "
        " WHERE thumbnail.source_nid = $1 "
        "   AND thumbnail.width = $2 "
        "   AND thumbnail.height = $3 "
        "   AND thumbnail.crops = $4 "
        "   AND thumbnail.animated = $5"},

    [INSERT_THUMBNAIL] = {"media_thumbnail_insert",
        "INSERT INTO media_thumbnails "
        "       (source_nid, width, height, crops, animated, file_nid, content_type) "
        "SELECT source.file_nid, $2, $3, $4, $5, $6, $7 "
        "  FROM media_files AS source "
        " WHERE source.file_nid = $1 "
        "    ON CONFLICT DO NOTHING"},
};
STATEMENT_TABLE(media_files, statements);
/* clang-format on */

static void read_file(const struct db_rows *rows, size_t row, struct media_file *out)
{
    size_t size;

    *out = (struct media_file){
        .file_nid = rows_int(rows, row, 0),
        .hash = rows_bytes(rows, row, 1, &size),
        .object = rows_text(rows, row, 2),
        .store = (enum media_store_kind)rows_int(rows, row, 3),
        .size_bytes = rows_int(rows, row, 4),
    };
}

enum errcode media_file_load(struct db *db, struct arena *arena, int64_t file_nid,
                             struct media_file *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT(file_nid)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    read_file(rows, 0, out);
    return OK;
}

enum errcode media_file_load_by_hash(struct db *db, struct arena *arena,
                                     const uint8_t hash[SHA256_BYTES], struct media_file *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD_BY_HASH], PARAMS(BYTES(hash, SHA256_BYTES)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    read_file(rows, 0, out);
    return OK;
}

enum errcode media_file_refer(struct db *db, struct arena *arena, const struct media_file *file,
                              int64_t now_ms, int64_t *nid_out, const char **object_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[REFER],
                 PARAMS(BYTES(file->hash, SHA256_BYTES), TEXT(file->object), INT(file->store),
                        INT(file->size_bytes), INT(now_ms)),
                 &rows));
    *nid_out = rows_int(rows, 0, 0);
    *object_out = rows_text(rows, 0, 1);
    return OK;
}

enum errcode media_file_refer_by_hash(struct db *db, struct arena *arena,
                                      const uint8_t hash[SHA256_BYTES], int64_t *nid_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[REFER_BY_HASH], PARAMS(BYTES(hash, SHA256_BYTES)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *nid_out = rows_int(rows, 0, 0);
    return OK;
}

enum errcode media_file_release(struct db *db, int64_t file_nid)
{
    return db_execute(db, &statements[RELEASE], PARAMS(INT(file_nid)), NULL);
}

enum errcode media_file_move(struct db *db, const struct media_file *file,
                             const struct media_object *copy)
{
    int64_t affected;

    TRY(db_execute(
        db, &statements[MOVE],
        PARAMS(INT(file->file_nid), TEXT(file->object), TEXT(copy->object), INT(copy->store)),
        &affected));
    return affected == 1 ? OK : M_NOT_FOUND;
}

enum errcode media_files_list(struct db *db, struct arena *arena, enum media_store_kind store,
                              int64_t after_nid, const struct media_file **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LIST],
                 PARAMS(INT(store), INT(after_nid), INT(MEDIA_FILES_PER_LIST)), &rows));
    struct media_file *files = ARENA_ARRAY(arena, rows_count(rows), struct media_file);
    for (size_t i = 0; i < rows_count(rows); i++)
        read_file(rows, i, &files[i]);
    *out = files;
    *count_out = rows_count(rows);
    return OK;
}

enum errcode media_object_doubt(struct db *db, const struct media_object *object, int64_t now_ms)
{
    return db_execute(db, &statements[DOUBT],
                      PARAMS(TEXT(object->object), INT(object->store), INT(now_ms)), NULL);
}

enum errcode media_object_keep(struct db *db, const char *object)
{
    int64_t affected;

    TRY(db_execute(db, &statements[KEEP], PARAMS(TEXT(object)), &affected));
    return affected == 1 ? OK : M_NOT_FOUND;
}

enum errcode media_object_forget(struct db *db, const char *object)
{
    return db_execute(db, &statements[FORGET], PARAMS(TEXT(object)), NULL);
}

enum errcode media_objects_condemn(struct db *db, struct arena *arena, int64_t before_ts,
                                   int64_t limit, const struct media_object **out,
                                   size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[CONDEMN], PARAMS(INT(before_ts), INT(limit)), &rows));
    struct media_object *objects = ARENA_ARRAY(arena, rows_count(rows), struct media_object);
    for (size_t i = 0; i < rows_count(rows); i++) {
        objects[i].object = rows_text(rows, i, 0);
        objects[i].store = (enum media_store_kind)rows_int(rows, i, 1);
    }
    *out = objects;
    *count_out = rows_count(rows);
    return OK;
}

enum errcode media_files_reap(struct db *db, int64_t limit, int64_t *count_out)
{
    return db_execute(db, &statements[REAP], PARAMS(INT(limit)), count_out);
}

enum errcode media_thumbnail_load(struct db *db, struct arena *arena,
                                  const struct thumbnail_key *key, struct media_file *file_out,
                                  const char **content_type_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD_THUMBNAIL],
                 PARAMS(INT(key->source_nid), INT(key->width), INT(key->height), BOOL(key->crops),
                        BOOL(key->animated)),
                 &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    read_file(rows, 0, file_out);
    *content_type_out = rows_text(rows, 0, 5);
    return OK;
}

enum errcode media_thumbnail_insert(struct db *db, const struct thumbnail_key *key,
                                    int64_t file_nid, const char *content_type)
{
    int64_t affected;

    TRY(db_execute(db, &statements[INSERT_THUMBNAIL],
                   PARAMS(INT(key->source_nid), INT(key->width), INT(key->height), BOOL(key->crops),
                          BOOL(key->animated), file_nid == 0 ? NULL_INT : INT(file_nid),
                          TEXT(content_type)),
                   &affected));
    return affected == 1 ? OK : M_CANNOT_OVERWRITE_MEDIA;
}
