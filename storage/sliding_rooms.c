/* Reading for lists of rooms. */
#include "storage/sliding_rooms.h"

#include "homeserver/base/arena.h"
#include "storage/statements.h"

enum { LISTED, BUMPS };

/* clang-format off */
static const struct db_statement statements[] = {
    [LISTED] = {"listed_rooms_load",
        "SELECT r.room_nid, r.room_id, h.last_position, s.encryption IS NOT NULL, s.room_type, "
        "       s.name, s.avatar_url "
        "  FROM rooms r LEFT JOIN room_heads h USING (room_nid) "
        "       LEFT JOIN room_summaries s USING (room_nid) "
        " WHERE r.room_nid = ANY($1) AND NOT r.is_deleted "
        " ORDER BY r.room_nid"},

    /* 512 is EVENT_BUMPS. The search is bounded: a room may have a long tail of other events. */
    [BUMPS] = {"room_bumps_load",
        "SELECT (SELECT max(n.position) "
        "          FROM (SELECT e.position, e.flags FROM events e "
        "                 WHERE e.room_nid = w.room_nid AND e.position > 0 AND e.position <= $2 "
        "                   AND e.flags & 7 = 0 "
        "                 ORDER BY e.position DESC LIMIT 300) AS n "
        "         WHERE n.flags & 512 <> 0) "
        "  FROM unnest($1::bigint[]) WITH ORDINALITY AS w (room_nid, place) "
        " ORDER BY w.place"},
};
STATEMENT_TABLE(sliding_rooms, statements);
/* clang-format on */

enum errcode listed_rooms_load(struct db *db, struct arena *arena, struct nid_list room_nids,
                               struct listed_room **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LISTED],
                 PARAMS(INT_ARRAY(room_nids.items, room_nids.count)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct listed_room);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct listed_room){
            .room_nid = rows_int(rows, i, 0),
            .room_id = rows_text(rows, i, 1),
            .last_position = rows_int(rows, i, 2),
            .is_encrypted = rows_bool(rows, i, 3),
            .room_type = rows_text(rows, i, 4),
            .name = rows_text(rows, i, 5),
            .avatar_url = rows_text(rows, i, 6),
        };
    return OK;
}

enum errcode room_bumps_load(struct db *db, struct arena *arena, struct nid_list room_nids,
                             int64_t until, int64_t **out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[BUMPS],
                 PARAMS(INT_ARRAY(room_nids.items, room_nids.count), INT(until)), &rows));
    *out = ARENA_ARRAY(arena, room_nids.count, int64_t);
    for (size_t i = 0; i < rows_count(rows); i++)
        (*out)[i] = rows_int(rows, i, 0);
    return OK;
}
