/* Media for administrators: choosing, deleting, quarantine, counting. */
#include "storage/media_admin.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { CHOOSE, DELETE_CONTENT, SET_QUARANTINED, SET_PROTECTED, COUNT_ALL, COUNT_BY_USER };

/* clang-format off */
static const struct db_statement statements[] = {
    /* Canonical JSON does not escape slashes, so the text of an event shows its mxc:// URIs. */
    [CHOOSE] = {"media_choose",
        "WITH named AS (SELECT DISTINCT uri.parts[1] AS server_name, uri.parts[2] AS media_id "
        "                 FROM rooms "
        "                 JOIN events ON events.room_nid = rooms.room_nid "
        "                 JOIN event_json ON event_json.event_nid = events.event_nid "
        "                CROSS JOIN LATERAL regexp_matches(convert_from(event_json.json, 'UTF8'), "
        "                       'mxc://([^/\"\\\\]+)/([A-Za-z0-9_-]+)', 'g') AS uri(parts) "
        "                WHERE rooms.room_id = $4) "
        "SELECT media.media_nid, media.server_name, media.media_id, media.content_type, "
        "       media.file_name, file.size_bytes, media.created_ts, media.accessed_ts, "
        "       media.quarantined_ts, media.user_nid IS NOT NULL, media.is_protected "
        "  FROM media "
        "  JOIN media_files AS file ON file.file_nid = media.file_nid "
        "  LEFT JOIN users ON users.user_nid = media.user_nid "
        " WHERE ($1::text IS NULL OR media.server_name = $1::text) "
        "   AND ($2::text IS NULL OR media.media_id = $2::text) "
        "   AND ($3::text IS NULL OR users.user_id = $3::text) "
        "   AND ($4::text IS NULL OR (media.server_name, media.media_id) IN "
        "                            (SELECT named.server_name, named.media_id FROM named)) "
        "   AND ($5::bigint = 0 OR (media.user_nid IS NOT NULL) = ($5::bigint = 1)) "
        "   AND ($6::bigint = 0 OR media.accessed_ts < $6::bigint) "
        "   AND file.size_bytes > $7::bigint "
        "   AND ($8::boolean OR NOT media.is_protected) "
        "   AND NOT ($11::boolean AND media.quarantined_ts IS NOT NULL) "
        "   AND NOT ($12::boolean AND EXISTS "
        "            (SELECT FROM profile_fields "
        "              WHERE field = 'avatar_url' "
        "                AND value COLLATE \"C\" = "
        "                    '\"mxc://' || media.server_name || '/' || media.media_id || '\"')) "
        "   AND NOT ($12::boolean AND EXISTS "
        "            (SELECT FROM room_summaries "
        "              WHERE avatar_url = 'mxc://' || media.server_name || '/' || media.media_id)) "
        "   AND media.media_nid > $9 "
        " ORDER BY media.media_nid "
        " LIMIT $10"},

    /* What is in quarantine stays known, or it would be fetched again and shown. */
    [DELETE_CONTENT] = {"media_delete",
        "WITH chosen AS (SELECT media_nid, file_nid, "
        "                       user_nid IS NULL AND quarantined_ts IS NULL AS is_forgotten "
        "                  FROM media "
        "                 WHERE media_nid = ANY ($1) AND file_nid IS NOT NULL FOR UPDATE), "
        "     copies AS (DELETE FROM media USING chosen "
        "                 WHERE media.media_nid = chosen.media_nid "
        "                   AND chosen.is_forgotten), "
        "     ours AS (UPDATE media SET file_nid = NULL, deleted_ts = $2 FROM chosen "
        "               WHERE media.media_nid = chosen.media_nid "
        "                 AND NOT chosen.is_forgotten) "
        "UPDATE media_files AS file "
        "   SET reference_count = reference_count - uses.count "
        "  FROM (SELECT file_nid, count(*) AS count FROM chosen GROUP BY file_nid) AS uses "
        " WHERE file.file_nid = uses.file_nid"},

    [SET_QUARANTINED] = {"media_set_quarantined",
        "UPDATE media SET quarantined_by = $2, quarantined_ts = $3 WHERE media_nid = ANY ($1)"},

    [SET_PROTECTED] = {"media_set_protected",
        "UPDATE media SET is_protected = $2 WHERE media_nid = ANY ($1)"},

    [COUNT_ALL] = {"media_count_all",
        "SELECT count(*) FILTER (WHERE media.user_nid IS NOT NULL AND media.file_nid IS NOT NULL), "
        "       coalesce(sum(file.size_bytes) FILTER (WHERE media.user_nid IS NOT NULL), 0)::bigint, "
        "       count(*) FILTER (WHERE media.user_nid IS NULL), "
        "       coalesce(sum(file.size_bytes) FILTER (WHERE media.user_nid IS NULL), 0)::bigint, "
        "       (SELECT count(*) FROM media_files), "
        "       (SELECT coalesce(sum(size_bytes), 0)::bigint FROM media_files), "
        "       count(*) FILTER (WHERE media.quarantined_ts IS NOT NULL), "
        "       count(*) FILTER (WHERE media.file_nid IS NULL AND media.deleted_ts IS NULL) "
        "  FROM media "
        "  LEFT JOIN media_files AS file ON file.file_nid = media.file_nid"},

    [COUNT_BY_USER] = {"media_count_by_user",
        "SELECT users.user_id, profile.value, count(*), sum(file.size_bytes)::bigint AS bytes, "
        "       count(*) OVER () "
        "  FROM media "
        "  JOIN media_files AS file ON file.file_nid = media.file_nid "
        "  JOIN users ON users.user_nid = media.user_nid "
        "  LEFT JOIN profile_fields AS profile "
        "    ON profile.user_nid = media.user_nid AND profile.field = 'displayname' "
        " GROUP BY users.user_id, profile.value "
        " ORDER BY bytes DESC, users.user_id "
        "OFFSET $1 "
        " LIMIT $2"},
};
STATEMENT_TABLE(media_admin, statements);
/* clang-format on */

enum errcode media_choose(struct db *db, struct arena *arena,
                          const struct media_selection *selection, int64_t after_nid,
                          const struct media_choice **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[CHOOSE],
                 PARAMS(TEXT(selection->server_name), TEXT(selection->media_id),
                        TEXT(selection->user_id), TEXT(selection->room_id), INT(selection->origin),
                        INT(selection->not_accessed_since), INT(selection->larger_than),
                        BOOL(selection->with_protected), INT(after_nid), INT(MEDIA_CHOSEN_AT_ONCE),
                        BOOL(selection->without_quarantined), BOOL(selection->without_avatars)),
                 &rows));
    struct media_choice *choices = ARENA_ARRAY(arena, rows_count(rows), struct media_choice);
    for (size_t i = 0; i < rows_count(rows); i++)
        choices[i] = (struct media_choice){.media_nid = rows_int(rows, i, 0),
                                           .server_name = rows_text(rows, i, 1),
                                           .media_id = rows_text(rows, i, 2),
                                           .content_type = rows_text(rows, i, 3),
                                           .file_name = rows_text(rows, i, 4),
                                           .size_bytes = rows_int(rows, i, 5),
                                           .created_ts = rows_int(rows, i, 6),
                                           .accessed_ts = rows_int(rows, i, 7),
                                           .quarantined_ts = rows_int(rows, i, 8),
                                           .is_ours = rows_bool(rows, i, 9),
                                           .is_protected = rows_bool(rows, i, 10)};
    *out = choices;
    *count_out = rows_count(rows);
    return OK;
}

enum errcode media_delete(struct db *db, const int64_t *nids, size_t count, int64_t now_ms)
{
    return db_execute(db, &statements[DELETE_CONTENT], PARAMS(INT_ARRAY(nids, count), INT(now_ms)),
                      NULL);
}

enum errcode media_set_quarantined(struct db *db, const int64_t *nids, size_t count, int64_t by_nid,
                                   int64_t now_ms)
{
    return db_execute(db, &statements[SET_QUARANTINED],
                      PARAMS(INT_ARRAY(nids, count), by_nid == 0 ? NULL_INT : INT(by_nid),
                             now_ms == 0 ? NULL_INT : INT(now_ms)),
                      NULL);
}

enum errcode media_set_protected(struct db *db, const int64_t *nids, size_t count,
                                 bool is_protected)
{
    return db_execute(db, &statements[SET_PROTECTED],
                      PARAMS(INT_ARRAY(nids, count), BOOL(is_protected)), NULL);
}

enum errcode media_count_all(struct db *db, struct arena *arena, struct media_totals *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[COUNT_ALL], NO_PARAMS, &rows));
    *out = (struct media_totals){.local_files = rows_int(rows, 0, 0),
                                 .local_bytes = rows_int(rows, 0, 1),
                                 .remote_files = rows_int(rows, 0, 2),
                                 .remote_bytes = rows_int(rows, 0, 3),
                                 .stored_files = rows_int(rows, 0, 4),
                                 .stored_bytes = rows_int(rows, 0, 5),
                                 .quarantined = rows_int(rows, 0, 6),
                                 .waiting = rows_int(rows, 0, 7)};
    return OK;
}

enum errcode media_count_by_user(struct db *db, struct arena *arena, int64_t from, int64_t limit,
                                 struct media_user_page *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[COUNT_BY_USER], PARAMS(INT(from), INT(limit)), &rows));
    struct media_user_total *totals = ARENA_ARRAY(arena, rows_count(rows), struct media_user_total);
    for (size_t i = 0; i < rows_count(rows); i++)
        totals[i] = (struct media_user_total){.user_id = rows_text(rows, i, 0),
                                              .display_name = rows_text(rows, i, 1),
                                              .files = rows_int(rows, i, 2),
                                              .bytes = rows_int(rows, i, 3)};
    out->totals = totals;
    out->count = rows_count(rows);
    out->users = out->count == 0 ? 0 : rows_int(rows, 0, 4);
    return OK;
}
