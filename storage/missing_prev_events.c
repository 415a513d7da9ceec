/* Holes in the event graph. */
#include "storage/missing_prev_events.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

enum { ADD, FILLED, IS_NAMED, LIST };

static const struct db_statement statements[] = {
    [ADD] = {"missing_prev_events_add",
             "INSERT INTO missing_prev_events (room_nid, prev_id, event_nid) "
             "SELECT $1, n.prev_id, $3 FROM unnest($2::text[]) AS n (prev_id) "
             "    ON CONFLICT DO NOTHING"},

    [FILLED] = {"missing_prev_events_filled",
                "DELETE FROM missing_prev_events WHERE room_nid = $1 AND prev_id = $2"},

    [IS_NAMED] =
        {"missing_prev_events_is_named",
         "SELECT EXISTS (SELECT 1 FROM missing_prev_events m JOIN events e USING (event_nid) "
         "                WHERE m.room_nid = $1 AND m.prev_id = $2 AND e.flags & 3 = 0)"},

    [LIST] = {"missing_prev_events_list",
              "SELECT m.prev_id, max(e.depth) AS depth "
              "  FROM missing_prev_events m JOIN events e USING (event_nid) "
              " WHERE m.room_nid = $1 AND e.position >= $2 AND e.position <= $3 "
              " GROUP BY m.prev_id "
              " ORDER BY max(e.depth) DESC, m.prev_id "
              " LIMIT $4"},
};
STATEMENT_TABLE(missing_prev_events, statements);

void missing_prev_events_add_in(struct journal_entry *entry, int64_t room_nid, int64_t event_nid,
                                const char *const *prev_ids, size_t count)
{
    if (count > 0)
        journal_entry_add(entry, &statements[ADD],
                          PARAMS(INT(room_nid), TEXT_ARRAY(prev_ids, count), INT(event_nid)));
}

void missing_prev_event_filled_in(struct journal_entry *entry, int64_t room_nid,
                                  const char *event_id)
{
    journal_entry_add(entry, &statements[FILLED], PARAMS(INT(room_nid), TEXT(event_id)));
}

enum errcode missing_prev_event_is_named(struct db *db, struct arena *arena, int64_t room_nid,
                                         const char *event_id, bool *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[IS_NAMED], PARAMS(INT(room_nid), TEXT(event_id)), &rows));
    *out = rows_bool(rows, 0, 0);
    return OK;
}

enum errcode missing_prev_events_list(struct db *db, struct arena *arena,
                                      const struct hole_search *search, struct event_hole **out,
                                      size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(
        db, arena, &statements[LIST],
        PARAMS(INT(search->room_nid), INT(search->from), INT(search->until), INT(search->limit)),
        &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct event_hole);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct event_hole){rows_text(rows, i, 0), rows_int(rows, i, 1)};
    return OK;
}
