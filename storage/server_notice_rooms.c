/* In which room the server speaks to whom. */
#include "storage/server_notice_rooms.h"

#include "storage/db.h"
#include "storage/statements.h"

enum { LOAD, SET };

/* clang-format off */
static const struct db_statement statements[] = {
    [LOAD] = {"server_notice_rooms_load",
        "SELECT room_nid FROM server_notice_rooms WHERE user_nid = $1"},

    [SET] = {"server_notice_rooms_set",
        "INSERT INTO server_notice_rooms (user_nid, room_nid) "
        "VALUES ($1, $2) "
        "    ON CONFLICT (user_nid) DO UPDATE SET room_nid = EXCLUDED.room_nid"},
};
STATEMENT_TABLE(server_notice_rooms, statements);
/* clang-format on */

enum errcode server_notice_room_load(struct db *db, struct arena *arena, int64_t user_nid,
                                     int64_t *room_nid_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT(user_nid)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *room_nid_out = rows_int(rows, 0, 0);
    return OK;
}

enum errcode server_notice_room_set(struct db *db, int64_t user_nid, int64_t room_nid)
{
    return db_execute(db, &statements[SET], PARAMS(INT(user_nid), INT(room_nid)), NULL);
}
