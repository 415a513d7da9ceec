/* Rooms and their heads. The head of an existing room is moved by the journal alone. */
#include "storage/rooms.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

#define ROOM_COLUMNS                                                                               \
    "r.room_nid, r.room_id, r.room_version, h.version, h.snapshot_nid, h.depth, "                  \
    "h.last_position, h.extremities, "                                                             \
    "p.room_nid IS NOT NULL AND p.completed_position IS NULL, "                                    \
    "COALESCE(p.completed_position, 0) "

#define FROM_ROOMS                                                                                 \
    "  FROM rooms r JOIN room_heads h USING (room_nid) "                                           \
    "       LEFT JOIN partial_state_rooms p USING (room_nid) "

enum { LOAD, LOAD_BY_NID, CREATE, CREATE_HEAD, IDS, LAST_POSITIONS };

static const struct db_statement statements[] = {
    [LOAD] = {"room_load",
              "SELECT " ROOM_COLUMNS FROM_ROOMS " WHERE r.room_id = $1 AND NOT r.is_deleted"},

    [LOAD_BY_NID] = {"room_load_by_nid", "SELECT " ROOM_COLUMNS FROM_ROOMS
                                         " WHERE r.room_nid = $1 AND NOT r.is_deleted"},

    [CREATE] = {"room_create", "INSERT INTO rooms (room_nid, room_id, room_version, created_ts) "
                               "VALUES ($1, $2, $3, $4)"},

    [CREATE_HEAD] = {"room_create_head",
                     "INSERT INTO room_heads (room_nid, version, snapshot_nid, "
                     "                        depth, last_position, extremities) "
                     "VALUES ($1, 0, 0, 0, 0, '')"},

    [IDS] = {"room_ids", "SELECT n.ordinal, r.room_id "
                         "  FROM unnest($1::bigint[]) WITH ORDINALITY AS n (room_nid, ordinal) "
                         "  JOIN rooms r USING (room_nid)"},

    [LAST_POSITIONS] = {"room_last_positions",
                        "SELECT n.ordinal, h.last_position "
                        "  FROM unnest($1::bigint[]) WITH ORDINALITY AS n (room_nid, ordinal) "
                        "  JOIN room_heads h USING (room_nid)"},
};
STATEMENT_TABLE(rooms, statements);

static enum errcode read_room(struct db_rows *rows, struct stored_room *out)
{
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    out->room_nid = rows_int(rows, 0, 0);
    out->room_id = rows_text(rows, 0, 1);
    out->room_version = rows_text(rows, 0, 2);
    out->head.version = rows_int(rows, 0, 3);
    out->head.snapshot_nid = rows_int(rows, 0, 4);
    out->head.depth = rows_int(rows, 0, 5);
    out->head.last_position = rows_int(rows, 0, 6);
    out->head.extremities = rows_text(rows, 0, 7);
    out->head.is_partial = rows_bool(rows, 0, 8);
    out->head.completed_position = rows_int(rows, 0, 9);
    return OK;
}

enum errcode room_load(struct db *db, struct arena *arena, const char *room_id,
                       struct stored_room *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(TEXT(room_id)), &rows));
    return read_room(rows, out);
}

enum errcode room_load_by_nid(struct db *db, struct arena *arena, int64_t room_nid,
                              struct stored_room *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD_BY_NID], PARAMS(INT(room_nid)), &rows));
    return read_room(rows, out);
}

void room_create_in(struct journal_entry *entry, int64_t room_nid, const char *room_id,
                    const char *room_version, int64_t now_ms)
{
    journal_entry_add(entry, &statements[CREATE],
                      PARAMS(INT(room_nid), TEXT(room_id), TEXT(room_version), INT(now_ms)));
    journal_entry_add(entry, &statements[CREATE_HEAD], PARAMS(INT(room_nid)));
}

enum errcode room_ids_load(struct db *db, struct arena *arena, const int64_t *nids, size_t count,
                           const char ***out)
{
    struct db_rows *rows;
    const char **ids = ARENA_ARRAY(arena, count, const char *);

    TRY(db_query(db, arena, &statements[IDS], PARAMS(INT_ARRAY(nids, count)), &rows));
    for (size_t i = 0; i < rows_count(rows); i++)
        ids[rows_int(rows, i, 0) - 1] = rows_text(rows, i, 1);
    *out = ids;
    return OK;
}

enum errcode room_last_positions(struct db *db, struct arena *arena, const int64_t *nids,
                                 size_t count, int64_t **out)
{
    struct db_rows *rows;
    int64_t *positions = ARENA_ARRAY(arena, count, int64_t);

    TRY(db_query(db, arena, &statements[LAST_POSITIONS], PARAMS(INT_ARRAY(nids, count)), &rows));
    for (size_t i = 0; i < rows_count(rows); i++)
        positions[rows_int(rows, i, 0) - 1] = rows_int(rows, i, 1);
    *out = positions;
    return OK;
}
