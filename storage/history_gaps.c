/* Gaps in the order of history. */
#include "storage/history_gaps.h"

#include "homeserver/base/arena.h"
#include "storage/statements.h"

enum { LOAD, OPEN, SPLIT, TAKE, CLOSE };

/* Room for the events of a gap: no room will ever have so many, and the sequence suffices for two
 * thousand million gaps. */
#define GAP_WIDTH "4294967296"

static const struct db_statement statements[] = {
    [LOAD] = {"history_gaps_load", "SELECT after_position, until_position, depth "
                                   "  FROM history_gaps WHERE room_nid = $1 "
                                   " ORDER BY after_position DESC"},

    /* The lock keeps two of these apart; a position that somebody takes meanwhile is in another
     * room. */
    [OPEN] = {"history_gap_open",
              "INSERT INTO history_gaps (room_nid, after_position, until_position, depth) "
              "SELECT $1, -setval('history_positions', t.taken + " GAP_WIDTH "), -t.taken, $2 "
              "  FROM (SELECT nextval('history_positions') AS taken "
              "          FROM (SELECT pg_advisory_xact_lock(7357)) AS locked) AS t "
              "RETURNING after_position"},

    [SPLIT] = {"history_gap_split",
               "WITH old AS ( "
               "  SELECT until_position, (after_position + until_position) / 2 AS middle "
               "    FROM history_gaps "
               "   WHERE room_nid = $1 AND after_position = $2 "
               "     AND until_position - after_position > 4 FOR UPDATE), "
               "lower AS ( "
               "  UPDATE history_gaps g SET until_position = old.middle FROM old "
               "   WHERE g.room_nid = $1 AND g.after_position = $2) "
               "INSERT INTO history_gaps (room_nid, after_position, until_position, depth) "
               "SELECT $1, middle, until_position, $3 FROM old "
               "RETURNING after_position"},

    [TAKE] = {"history_gap_take",
              "UPDATE history_gaps SET until_position = until_position - $3 "
              " WHERE room_nid = $1 AND after_position = $2 AND until_position - $3 > $2 "
              "RETURNING until_position + $3 - 1"},

    [CLOSE] = {"history_gap_close",
               "DELETE FROM history_gaps WHERE room_nid = $1 AND after_position = $2"},
};
STATEMENT_TABLE(history_gaps, statements);

static enum errcode read_position(const struct db_rows *rows, int64_t *out)
{
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = rows_int(rows, 0, 0);
    return OK;
}

enum errcode history_gaps_load(struct db *db, struct arena *arena, int64_t room_nid,
                               struct history_gap **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT(room_nid)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct history_gap);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] =
            (struct history_gap){rows_int(rows, i, 0), rows_int(rows, i, 1), rows_int(rows, i, 2)};
    return OK;
}

enum errcode history_gap_open(struct db *db, struct arena *arena, int64_t room_nid, int64_t depth,
                              int64_t *position_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OPEN], PARAMS(INT(room_nid), INT(depth)), &rows));
    return read_position(rows, position_out);
}

enum errcode history_gap_split(struct db *db, struct arena *arena, int64_t room_nid,
                               const struct history_gap *gap, int64_t depth, int64_t *position_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[SPLIT], PARAMS(INT(room_nid), INT(gap->after), INT(depth)),
                 &rows));
    return read_position(rows, position_out);
}

enum errcode history_gap_take(struct db *db, struct arena *arena, int64_t room_nid,
                              const struct history_gap *gap, int64_t count, int64_t *first_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[TAKE], PARAMS(INT(room_nid), INT(gap->after), INT(count)),
                 &rows));
    return read_position(rows, first_out);
}

enum errcode history_gap_close(struct db *db, int64_t room_nid, int64_t after)
{
    return db_execute(db, &statements[CLOSE], PARAMS(INT(room_nid), INT(after)), NULL);
}
