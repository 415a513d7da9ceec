/* Dehydrated devices. */
#include "storage/dehydrated_devices.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { LOAD, SET };

/* clang-format off */
static const struct db_statement statements[] = {
    [LOAD] = {"dehydrated_devices_load",
        "SELECT device_id, device_data FROM dehydrated_devices WHERE user_nid = $1"},

    [SET] = {"dehydrated_devices_set",
        "INSERT INTO dehydrated_devices (user_nid, device_id, device_data) "
        "VALUES ($1, $2, $3) "
        "    ON CONFLICT (user_nid) DO UPDATE "
        "   SET device_id = EXCLUDED.device_id, device_data = EXCLUDED.device_data"},
};
STATEMENT_TABLE(dehydrated_devices, statements);
/* clang-format on */

enum errcode dehydrated_device_load(struct db *db, struct arena *arena, int64_t user_nid,
                                    struct dehydrated_device *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT(user_nid)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = (struct dehydrated_device){
        .device_id = rows_text(rows, 0, 0),
        .device_data = rows_text(rows, 0, 1),
    };
    return OK;
}

enum errcode dehydrated_device_set(struct db *db, int64_t user_nid,
                                   const struct dehydrated_device *device)
{
    return db_execute(db, &statements[SET],
                      PARAMS(INT(user_nid), TEXT(device->device_id), TEXT(device->device_data)),
                      NULL);
}
