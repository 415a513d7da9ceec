/* Jumps of room state, and those that deserve a look. */
#include "storage/room_jumps.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

enum { ADD, CLEAR, LOAD, ADD_RESET, LIST_RESETS };

static const struct db_statement statements[] = {
    [ADD] = {"room_jump_add", "INSERT INTO room_jumps (room_nid, event_nid, before_nid, after_nid) "
                              "VALUES ($1, $2, $3, $4)"},

    [CLEAR] = {"room_jumps_clear", "DELETE FROM room_jumps WHERE event_nid = ANY($1)"},

    [LOAD] = {"room_jump_load", "SELECT event_nid, before_nid, after_nid FROM room_jumps "
                                " WHERE event_nid = $1"},

    [ADD_RESET] = {"state_reset_add",
                   "INSERT INTO state_resets (room_nid, event_nid, happened_ts, detail) "
                   "VALUES ($1, $2, $3, $4)"},

    [LIST_RESETS] = {"state_resets_list", "SELECT r.room_id, e.event_id, s.happened_ts, s.detail "
                                          "  FROM state_resets s JOIN rooms r USING (room_nid) "
                                          "  JOIN events e USING (event_nid) "
                                          " ORDER BY s.happened_ts DESC "
                                          " LIMIT $1"},
};
STATEMENT_TABLE(room_jumps, statements);

void room_jump_add_in(struct journal_entry *entry, int64_t room_nid, const struct room_jump *jump)
{
    journal_entry_add(
        entry, &statements[ADD],
        PARAMS(INT(room_nid), INT(jump->event_nid), INT(jump->before_nid), INT(jump->after_nid)));
}

void room_jumps_clear_in(struct journal_entry *entry, struct nid_list event_nids)
{
    journal_entry_add(entry, &statements[CLEAR],
                      PARAMS(INT_ARRAY(event_nids.items, event_nids.count)));
}

enum errcode room_jump_load(struct db *db, struct arena *arena, int64_t event_nid,
                            struct room_jump *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT(event_nid)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = (struct room_jump){rows_int(rows, 0, 0), rows_int(rows, 0, 1), rows_int(rows, 0, 2)};
    return OK;
}

void state_reset_add_in(struct journal_entry *entry, int64_t room_nid, int64_t event_nid,
                        int64_t now_ms, const char *detail)
{
    journal_entry_add(entry, &statements[ADD_RESET],
                      PARAMS(INT(room_nid), INT(event_nid), INT(now_ms), TEXT(detail)));
}

enum errcode state_resets_list(struct db *db, struct arena *arena, int64_t limit,
                               struct state_reset **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LIST_RESETS], PARAMS(INT(limit)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct state_reset);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct state_reset){rows_text(rows, i, 0), rows_text(rows, i, 1),
                                         rows_int(rows, i, 2), rows_text(rows, i, 3)};
    return OK;
}
