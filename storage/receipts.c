/* Read receipts. */
#include "storage/receipts.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

#define RECEIPT_COLUMNS                                                                            \
    "r.room_nid, r.user_nid, r.type, r.thread, r.event_id, r.event_position, r.ts, r.position, "   \
    "u.user_id "

enum { SET, CHANGED, RECENT, OF_USER, TO_FEDERATE };

static const struct db_statement statements[] = {
    [SET] = {"receipt_set",
             "INSERT INTO receipts AS old (room_nid, user_nid, type, thread, event_id, "
             "                             event_position, ts, position) "
             "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
             "    ON CONFLICT (room_nid, user_nid, type, thread) DO UPDATE "
             "   SET event_id = EXCLUDED.event_id, event_position = EXCLUDED.event_position, "
             "       ts = EXCLUDED.ts, position = EXCLUDED.position "
             /* Receipts for events we do not have can not be compared: the newest counts. */
             " WHERE old.event_position < EXCLUDED.event_position "
             "    OR (EXCLUDED.event_position = 0 AND old.event_id <> EXCLUDED.event_id)"},

    [CHANGED] = {"receipts_changed",
                 "SELECT " RECEIPT_COLUMNS "  FROM unnest($1::bigint[]) AS wanted (room_nid) "
                 " CROSS JOIN LATERAL (SELECT room_nid, user_nid, type, thread, event_id, "
                 "                            event_position, ts, position "
                 "                       FROM receipts "
                 "                      WHERE receipts.room_nid = wanted.room_nid "
                 "                        AND position > $3 AND position <= $4 "
                 "                        AND (type <> 2 OR user_nid = $2) "
                 "                      ORDER BY position DESC "
                 "                      LIMIT $5) r "
                 "  JOIN users u USING (user_nid) "
                 " ORDER BY r.room_nid, r.position"},

    [RECENT] = {"receipts_recent",
                "SELECT " RECEIPT_COLUMNS
                "  FROM unnest($1::bigint[], $2::bigint[]) AS wanted (room_nid, first_position) "
                "  JOIN receipts r USING (room_nid) "
                "  JOIN users u USING (user_nid) "
                " WHERE r.position <= $4 "
                "   AND (r.user_nid = $3 "
                "        OR (r.type = 1 AND r.event_position >= wanted.first_position)) "
                " ORDER BY r.room_nid, r.position"},

    [OF_USER] = {"receipts_of_user",
                 "SELECT " RECEIPT_COLUMNS "  FROM receipts r JOIN users u USING (user_nid) "
                 " WHERE r.room_nid = $1 AND r.user_nid = $2 "
                 " ORDER BY r.position"},

    [TO_FEDERATE] = {"receipts_to_federate",
                     "SELECT " RECEIPT_COLUMNS "  FROM receipts r JOIN users u USING (user_nid) "
                     " WHERE r.position > $1 AND r.position <= $2 AND r.type = 1 AND u.is_local "
                     " ORDER BY r.position "
                     " LIMIT $3"},
};

STATEMENT_TABLE(receipts, statements);

static void read_all(struct db_rows *rows, struct arena *arena, struct receipt **out,
                     size_t *count_out)
{
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct receipt);
    for (size_t i = 0; i < *count_out; i++) {
        (*out)[i] = (struct receipt){
            .room_nid = rows_int(rows, i, 0),
            .user_nid = rows_int(rows, i, 1),
            .type = (enum receipt_type)rows_int(rows, i, 2),
            .thread = rows_text(rows, i, 3),
            .event_id = rows_text(rows, i, 4),
            .event_position = rows_int(rows, i, 5),
            .ts = rows_int(rows, i, 6),
            .position = rows_int(rows, i, 7),
            .user_id = rows_text(rows, i, 8),
        };
    }
}

void receipt_set_in(struct journal_entry *entry, const struct receipt *receipt)
{
    journal_entry_add(entry, &statements[SET],
                      PARAMS(INT(receipt->room_nid), INT(receipt->user_nid), INT(receipt->type),
                             TEXT(receipt->thread), TEXT(receipt->event_id),
                             INT(receipt->event_position), INT(receipt->ts), POSITION));
}

enum errcode receipts_changed(struct db *db, struct arena *arena, const struct receipt_query *query,
                              struct receipt **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[CHANGED],
                 PARAMS(INT_ARRAY(query->room_nids.items, query->room_nids.count),
                        INT(query->viewer_nid), INT(query->range.since), INT(query->range.until),
                        INT(RECEIPTS_PER_ROOM_MAX)),
                 &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

enum errcode receipts_recent(struct db *db, struct arena *arena, const struct receipt_query *query,
                             const int64_t *first_positions, struct receipt **out,
                             size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[RECENT],
                 PARAMS(INT_ARRAY(query->room_nids.items, query->room_nids.count),
                        INT_ARRAY(first_positions, query->room_nids.count), INT(query->viewer_nid),
                        INT(query->range.until)),
                 &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

enum errcode receipts_of_user(struct db *db, struct arena *arena, int64_t room_nid,
                              int64_t user_nid, struct receipt **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_USER], PARAMS(INT(room_nid), INT(user_nid)), &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

enum errcode receipts_to_federate(struct db *db, struct arena *arena, struct position_range range,
                                  struct receipt **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[TO_FEDERATE],
                 PARAMS(INT(range.since), INT(range.until), INT(range.limit)), &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}
