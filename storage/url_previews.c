/* Previews of web pages. Spec: client-server API, "Content repository", preview_url. */
#include "storage/url_previews.h"

#include "storage/db.h"
#include "storage/statements.h"

enum { LOAD, PUT, EXPIRE };

/* clang-format off */
static const struct db_statement statements[] = {
    [LOAD] = {"url_preview_load",
        "SELECT preview, image_nid, fetched_ts "
        "  FROM url_previews "
        " WHERE url_hash = $1 "
        "   AND day = $2::bigint"},

    [PUT] = {"url_preview_put",
        "INSERT INTO url_previews (url_hash, day, preview, image_nid, fetched_ts) "
        "VALUES ($1, $2, $3, $4, $5) "
        "    ON CONFLICT (url_hash, day) DO UPDATE "
        "   SET preview = EXCLUDED.preview, image_nid = EXCLUDED.image_nid, "
        "       fetched_ts = EXCLUDED.fetched_ts"},

    [EXPIRE] = {"url_previews_expire",
        "WITH old AS (DELETE FROM url_previews WHERE fetched_ts < $1 RETURNING image_nid), "
        "     gone AS (DELETE FROM media USING old "
        "               WHERE media.media_nid = old.image_nid "
        "                 AND NOT media.is_protected "
        "           RETURNING media.file_nid) "
        "UPDATE media_files AS file "
        "   SET reference_count = reference_count - uses.count "
        "  FROM (SELECT file_nid, count(*) AS count FROM gone GROUP BY file_nid) AS uses "
        " WHERE file.file_nid = uses.file_nid"},
};
STATEMENT_TABLE(url_previews, statements);
/* clang-format on */

enum errcode url_preview_load(struct db *db, struct arena *arena,
                              const uint8_t url_hash[SHA256_BYTES], int64_t day,
                              struct url_preview_row *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(BYTES(url_hash, SHA256_BYTES), INT(day)),
                 &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = (struct url_preview_row){
        .url_hash = url_hash,
        .day = day,
        .preview = rows_text(rows, 0, 0),
        .image_nid = rows_int(rows, 0, 1),
        .fetched_ts = rows_int(rows, 0, 2),
    };
    return OK;
}

enum errcode url_preview_put(struct db *db, const struct url_preview_row *row)
{
    return db_execute(db, &statements[PUT],
                      PARAMS(BYTES(row->url_hash, SHA256_BYTES), INT(row->day), TEXT(row->preview),
                             row->image_nid == 0 ? NULL_INT : INT(row->image_nid),
                             INT(row->fetched_ts)),
                      NULL);
}

enum errcode url_previews_expire(struct db *db, int64_t before_ts)
{
    return db_execute(db, &statements[EXPIRE], PARAMS(INT(before_ts)), NULL);
}
