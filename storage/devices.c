/*
 * Devices. Changes that other users can see (a name, the end of a device) go through the journal:
 * homeserver/accounts/sessions.c and device_management.c.
 */
#include "storage/devices.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/journal.h"
#include "storage/statements.h"

enum { INSERT, LOAD, LOAD_ALL, NOTE_USE, RENAME, DELETE };

#define DEVICE_COLUMNS                                                                             \
    "SELECT device_id, display_name, last_seen_ts, last_seen_address, last_seen_user_agent "       \
    "  FROM devices "

/* clang-format off */
static const struct db_statement statements[] = {
    [INSERT] = {"devices_insert",
        "INSERT INTO devices (user_nid, device_id, display_name, created_ts) "
        "VALUES ($1, $2, $3, $4) "
        "    ON CONFLICT (user_nid, device_id) DO NOTHING"},

    [LOAD] = {"devices_load",
        DEVICE_COLUMNS
        " WHERE user_nid = $1 AND device_id = $2"},

    [LOAD_ALL] = {"devices_load_all",
        DEVICE_COLUMNS
        " WHERE user_nid = $1 "
        " ORDER BY device_id"},

    [NOTE_USE] = {"devices_note_use",
        "UPDATE devices "
        "   SET last_seen_ts = $5, last_seen_address = $3, last_seen_user_agent = $4 "
        " WHERE user_nid = $1 AND device_id = $2 "
        "   AND COALESCE(last_seen_ts, 0) <= $5 - $6::bigint"},

    [RENAME] = {"devices_rename",
        "UPDATE devices SET display_name = $3 WHERE user_nid = $1 AND device_id = $2"},

    [DELETE] = {"devices_delete",
        "DELETE FROM devices WHERE user_nid = $1 AND device_id = ANY ($2::text[])"},
};
STATEMENT_TABLE(devices, statements);
/* clang-format on */

static struct device device_of_row(const struct db_rows *rows, size_t row)
{
    return (struct device){
        .device_id = rows_text(rows, row, 0),
        .display_name = rows_text(rows, row, 1),
        .last_seen_ts = rows_int(rows, row, 2),
        .last_seen_address = rows_text(rows, row, 3),
        .last_seen_user_agent = rows_text(rows, row, 4),
    };
}

enum errcode device_insert(struct db *db, int64_t user_nid, const char *device_id,
                           const char *display_name, int64_t now_ms)
{
    return db_execute(db, &statements[INSERT],
                      PARAMS(INT(user_nid), TEXT(device_id), TEXT(display_name), INT(now_ms)),
                      NULL);
}

enum errcode device_load(struct db *db, struct arena *arena, int64_t user_nid,
                         const char *device_id, struct device *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT(user_nid), TEXT(device_id)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = device_of_row(rows, 0);
    return OK;
}

enum errcode devices_load(struct db *db, struct arena *arena, int64_t user_nid,
                          const struct device **out, size_t *count_out)
{
    struct device *devices;
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD_ALL], PARAMS(INT(user_nid)), &rows));
    devices = ARENA_ARRAY(arena, rows_count(rows), struct device);
    for (size_t row = 0; row < rows_count(rows); row++)
        devices[row] = device_of_row(rows, row);
    *out = devices;
    *count_out = rows_count(rows);
    return OK;
}

enum errcode device_note_use(struct db *db, const struct device_use *use)
{
    return db_execute(db, &statements[NOTE_USE],
                      PARAMS(INT(use->user_nid), TEXT(use->device_id), TEXT(use->address),
                             TEXT(use->user_agent), INT(use->now_ms), INT(use->interval_ms)),
                      NULL);
}

void device_rename_in(struct journal_entry *entry, int64_t user_nid, const char *device_id,
                      const char *display_name)
{
    journal_entry_add(entry, &statements[RENAME],
                      PARAMS(INT(user_nid), TEXT(device_id), TEXT(display_name)));
}

void devices_delete_in(struct journal_entry *entry, int64_t user_nid, const char *const *device_ids,
                       size_t count)
{
    journal_entry_add(entry, &statements[DELETE],
                      PARAMS(INT(user_nid), TEXT_ARRAY(device_ids, count)));
}
