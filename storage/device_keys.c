/* The identity keys of devices. */
#include "storage/device_keys.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/journal.h"
#include "storage/statements.h"

enum { LOAD, OF_USERS, SET };

/* clang-format off */
static const struct db_statement statements[] = {
    [LOAD] = {"device_keys_load",
        "SELECT keys FROM device_keys WHERE user_nid = $1 AND device_id = $2"},

    [OF_USERS] = {"device_keys_of_users",
        "SELECT wanted.place, k.device_id, d.display_name, k.keys "
        "  FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (user_nid, place) "
        "  JOIN device_keys k USING (user_nid) "
        "  JOIN devices d USING (user_nid, device_id) "
        " UNION ALL "
        "SELECT wanted.place, r.device_id, r.display_name, r.keys "
        "  FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (user_nid, place) "
        "  JOIN remote_devices r USING (user_nid) "
        " ORDER BY 1, 2"},

    [SET] = {"device_keys_set",
        "INSERT INTO device_keys (user_nid, device_id, keys) "
        "SELECT user_nid, device_id, $3::text "
        "  FROM devices "
        " WHERE user_nid = $1 AND device_id = $2 "
        "    ON CONFLICT (user_nid, device_id) DO UPDATE SET keys = EXCLUDED.keys"},
};
STATEMENT_TABLE(device_keys, statements);
/* clang-format on */

enum errcode device_keys_load(struct db *db, struct arena *arena, int64_t user_nid,
                              const char *device_id, const char **keys_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT(user_nid), TEXT(device_id)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *keys_out = rows_text(rows, 0, 0);
    return OK;
}

enum errcode device_keys_of_users(struct db *db, struct arena *arena, const int64_t *user_nids,
                                  size_t user_count, struct device_keys_row **out,
                                  size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_USERS], PARAMS(INT_ARRAY(user_nids, user_count)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct device_keys_row);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct device_keys_row){
            .user = (size_t)rows_int(rows, i, 0) - 1,
            .device_id = rows_text(rows, i, 1),
            .display_name = rows_text(rows, i, 2),
            .keys = rows_text(rows, i, 3),
        };
    return OK;
}

void device_keys_set_in(struct journal_entry *entry, int64_t user_nid, const char *device_id,
                        const char *keys)
{
    journal_entry_add_expecting(entry, &statements[SET],
                                PARAMS(INT(user_nid), TEXT(device_id), TEXT(keys)), 1);
}
