/* Rooms whose state is not whole yet. */
#include "storage/partial_state_rooms.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

enum { BEGIN, COMPLETE, MOVE_HEAD, ABANDON, LOAD, ANY_WITH, DUE, FAILED, LOCK, UNLOCK };

/* Advisory locks are numbers: this is the class, the room the object. */
#define LOCK_OF_ROOM "7347, ($1::bigint % 2147483647)::integer"

static const struct db_statement statements[] = {
    [BEGIN] = {"partial_state_begin",
               "INSERT INTO partial_state_rooms (room_nid, join_nid, told_by, servers, "
               "                                 began_position) "
               "VALUES ($1, $2, $3, $4, $5) "
               "    ON CONFLICT (room_nid) DO UPDATE "
               "   SET join_nid = EXCLUDED.join_nid, told_by = EXCLUDED.told_by, "
               "       servers = EXCLUDED.servers, began_position = EXCLUDED.began_position, "
               "       completed_position = NULL, failures = 0, retry_ts = 0"},

    [COMPLETE] = {"partial_state_complete",
                  "UPDATE partial_state_rooms SET completed_position = $3 "
                  " WHERE room_nid = $1 AND join_nid = $2 AND completed_position IS NULL"},

    [MOVE_HEAD] = {"partial_state_move_head",
                   "UPDATE room_heads SET version = version + 1, snapshot_nid = $3, "
                   "                      extremities = $4 "
                   " WHERE room_nid = $1 AND version = $2"},

    [ABANDON] = {"partial_state_abandon", "UPDATE partial_state_rooms SET completed_position = $2 "
                                          " WHERE room_nid = $1 AND completed_position IS NULL"},

    [LOAD] = {"partial_state_load",
              "SELECT join_nid, told_by, servers, began_position, failures, retry_ts "
              "  FROM partial_state_rooms "
              " WHERE room_nid = $1 AND completed_position IS NULL"},

    [ANY_WITH] = {"partial_state_any_with",
                  "SELECT EXISTS (SELECT 1 FROM partial_state_rooms "
                  "                WHERE completed_position IS NULL AND $1 = ANY (servers))"},

    [DUE] = {"partial_state_due", "SELECT room_nid FROM partial_state_rooms "
                                  " WHERE completed_position IS NULL AND retry_ts <= $1 "
                                  " ORDER BY retry_ts "
                                  " LIMIT $2"},

    [FAILED] = {"partial_state_failed",
                "UPDATE partial_state_rooms SET failures = failures + 1, retry_ts = $2 "
                " WHERE room_nid = $1"},

    [LOCK] = {"partial_state_lock", "SELECT pg_try_advisory_lock(" LOCK_OF_ROOM ")"},

    [UNLOCK] = {"partial_state_unlock", "SELECT pg_advisory_unlock(" LOCK_OF_ROOM ")"},
};
STATEMENT_TABLE(partial_state_rooms, statements);

void partial_state_begin_in(struct journal_entry *entry, const struct partial_state_room *room)
{
    journal_entry_add(entry, &statements[BEGIN],
                      PARAMS(INT(room->room_nid), INT(room->join_nid), TEXT(room->told_by),
                             TEXT_ARRAY(room->servers, room->server_count), POSITION));
}

void partial_state_complete_in(struct journal_entry *entry, const struct partial_state_end *end)
{
    journal_entry_add_expecting(entry, &statements[COMPLETE],
                                PARAMS(INT(end->room_nid), INT(end->join_nid), POSITION), 1);
    journal_entry_add_expecting(entry, &statements[MOVE_HEAD],
                                PARAMS(INT(end->room_nid), INT(end->head_version),
                                       INT(end->snapshot_nid), TEXT(end->extremities)),
                                1);
}

void partial_state_abandon_in(struct journal_entry *entry, int64_t room_nid)
{
    journal_entry_add(entry, &statements[ABANDON], PARAMS(INT(room_nid), POSITION));
}

enum errcode partial_state_load(struct db *db, struct arena *arena, int64_t room_nid,
                                struct partial_state_room *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT(room_nid)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = (struct partial_state_room){
        .room_nid = room_nid,
        .join_nid = rows_int(rows, 0, 0),
        .told_by = rows_text(rows, 0, 1),
        .began_position = rows_int(rows, 0, 3),
        .failures = rows_int(rows, 0, 4),
        .retry_ts = rows_int(rows, 0, 5),
    };
    out->servers = rows_text_array(rows, 0, 2, arena, &out->server_count);
    return OK;
}

enum errcode partial_state_any_with(struct db *db, struct arena *arena, const char *server_name,
                                    bool *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[ANY_WITH], PARAMS(TEXT(server_name)), &rows));
    *out = rows_bool(rows, 0, 0);
    return OK;
}

enum errcode partial_state_due(struct db *db, struct arena *arena, int64_t now_ms, int64_t limit,
                               struct nid_list *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[DUE], PARAMS(INT(now_ms), INT(limit)), &rows));
    int64_t *nids = ARENA_ARRAY(arena, rows_count(rows), int64_t);
    for (size_t i = 0; i < rows_count(rows); i++)
        nids[i] = rows_int(rows, i, 0);
    *out = (struct nid_list){nids, rows_count(rows)};
    return OK;
}

enum errcode partial_state_failed(struct db *db, int64_t room_nid, int64_t retry_ts)
{
    return db_execute(db, &statements[FAILED], PARAMS(INT(room_nid), INT(retry_ts)), NULL);
}

enum errcode partial_state_lock(struct db *db, struct arena *arena, int64_t room_nid,
                                bool *is_ours_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOCK], PARAMS(INT(room_nid)), &rows));
    *is_ours_out = rows_bool(rows, 0, 0);
    return OK;
}

enum errcode partial_state_unlock(struct db *db, int64_t room_nid)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct db_rows *rows;

    return db_query(db, arena, &statements[UNLOCK], PARAMS(INT(room_nid)), &rows);
}
