/* What other servers told of their users' devices. */
#include "storage/remote_device_lists.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/journal.h"
#include "storage/statements.h"

/* clang-format off */
/* True when somebody here is in a room with the user of `column`, and both have been since
 * `position`. */
#define SHARED_SINCE(column, position)                                                             \
    "EXISTS (SELECT 1 "                                                                            \
    "          FROM memberships theirs "                                                           \
    "          JOIN memberships ours ON ours.room_nid = theirs.room_nid "                          \
    "           AND ours.is_local AND ours.membership = 2 "                                        \
    "           AND ours.joined_position <= " position                                             \
    "         WHERE theirs.user_nid = " column " AND theirs.membership = 2 "                       \
    "           AND theirs.joined_position <= " position ")"
#define FOR_EVER "9223372036854775807"

/* An update takes effect when it follows on what is stored. */
#define FOLLOWS "(NOT is_stale AND $3::bigint >= 0 AND $3 <= stream_id AND stream_id < $2)"

enum { LOAD, BEGIN, SET, CLEAR_DEVICES, SET_DEVICES, HEARD, STEP, STEP_SET, STEP_DELETE,
       FORGET, FORGET_KEYS };

static const struct db_statement statements[] = {
    [LOAD] = {"remote_device_lists_load",
        "SELECT " SHARED_SINCE("wanted.user_nid", FOR_EVER) ", "
        "       l.stream_id IS NOT NULL, "
        "       l.stream_id IS NOT NULL AND NOT l.is_stale "
        "           AND " SHARED_SINCE("wanted.user_nid", "l.tracked_position")
        "  FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (user_nid, place) "
        "  LEFT JOIN remote_device_lists l USING (user_nid) "
        " ORDER BY wanted.place"},

    [BEGIN] = {"remote_device_lists_begin",
        "WITH wanted AS ( "
        "    SELECT user_nid, place "
        "      FROM unnest($1::bigint[]) WITH ORDINALITY AS w (user_nid, place) "
        "), begun AS ( "
        "    INSERT INTO remote_device_lists (user_nid) "
        "    SELECT user_nid FROM wanted ORDER BY user_nid "
        "        ON CONFLICT (user_nid) DO UPDATE SET user_nid = EXCLUDED.user_nid "
        "    RETURNING user_nid, generation) "
        "SELECT begun.generation FROM wanted JOIN begun USING (user_nid) ORDER BY wanted.place"},

    [SET] = {"remote_device_list_set",
        "UPDATE remote_device_lists "
        "   SET stream_id = $2, tracked_position = $3, is_stale = generation <> $4 "
        " WHERE user_nid = $1"},

    [CLEAR_DEVICES] = {"remote_devices_clear",
        "DELETE FROM remote_devices WHERE user_nid = $1"},

    [SET_DEVICES] = {"remote_devices_set",
        "INSERT INTO remote_devices (user_nid, device_id, display_name, keys) "
        "SELECT l.user_nid, d.device_id, d.display_name, d.keys "
        "  FROM remote_device_lists l, "
        "       unnest($2::text[], $3::text[], $4::text[]) AS d (device_id, display_name, keys) "
        " WHERE l.user_nid = $1 "
        "    ON CONFLICT (user_nid, device_id) DO NOTHING"},

    [HEARD] = {"remote_device_list_heard",
        "UPDATE remote_device_lists SET generation = generation + 1 WHERE user_nid = $1"},

    [STEP] = {"remote_device_list_step",
        "UPDATE remote_device_lists "
        "   SET generation = generation + 1, is_stale = NOT " FOLLOWS ", "
        "       stream_id = CASE WHEN " FOLLOWS " THEN $2 ELSE stream_id END "
        /* What is repeated changes nothing. */
        " WHERE user_nid = $1 AND (is_stale OR stream_id <> $2)"},

    [STEP_SET] = {"remote_device_list_step_set",
        "INSERT INTO remote_devices (user_nid, device_id, display_name, keys) "
        "SELECT user_nid, $3, $4, $5 "
        "  FROM remote_device_lists l "
        " WHERE user_nid = $1 AND stream_id = $2 AND NOT is_stale "
        "   AND (SELECT count(*) FROM remote_devices d WHERE d.user_nid = l.user_nid) < $6 "
        "    ON CONFLICT (user_nid, device_id) DO UPDATE "
        "   SET display_name = EXCLUDED.display_name, keys = EXCLUDED.keys"},

    [STEP_DELETE] = {"remote_device_list_step_delete",
        "DELETE FROM remote_devices d "
        " USING remote_device_lists l "
        " WHERE l.user_nid = $1 AND l.stream_id = $2 AND NOT l.is_stale "
        "   AND d.user_nid = l.user_nid AND d.device_id = $3"},

    [FORGET] = {"remote_device_lists_forget",
        "DELETE FROM remote_device_lists l WHERE NOT " SHARED_SINCE("l.user_nid", FOR_EVER)},

    [FORGET_KEYS] = {"remote_device_lists_forget_keys",
        "DELETE FROM cross_signing_keys k "
        " USING users u "
        " WHERE u.user_nid = k.user_nid AND NOT u.is_local "
        "   AND NOT EXISTS (SELECT 1 FROM remote_device_lists l WHERE l.user_nid = k.user_nid)"},
};
STATEMENT_TABLE(remote_device_lists, statements);
/* clang-format on */

enum errcode remote_device_lists_load(struct db *db, struct arena *arena, const int64_t *user_nids,
                                      size_t count, struct remote_device_list **out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT_ARRAY(user_nids, count)), &rows));
    *out = ARENA_ARRAY(arena, count, struct remote_device_list);
    for (size_t i = 0; i < count; i++)
        (*out)[i] = (struct remote_device_list){
            .is_shared = rows_bool(rows, i, 0),
            .is_stored = rows_bool(rows, i, 1),
            .is_fresh = rows_bool(rows, i, 2),
        };
    return OK;
}

enum errcode remote_device_lists_begin(struct db *db, struct arena *arena, const int64_t *user_nids,
                                       size_t count, int64_t **generations_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[BEGIN], PARAMS(INT_ARRAY(user_nids, count)), &rows));
    *generations_out = ARENA_ARRAY(arena, count, int64_t);
    for (size_t i = 0; i < count; i++)
        (*generations_out)[i] = rows_int(rows, i, 0);
    return OK;
}

void remote_device_list_set_in(struct journal_entry *entry, struct arena *arena,
                               const struct fetched_device_list *list)
{
    const size_t count = list->device_count;
    const char **ids = ARENA_ARRAY(arena, count, const char *);
    const char **names = ARENA_ARRAY(arena, count, const char *);
    const char **keys = ARENA_ARRAY(arena, count, const char *);

    for (size_t i = 0; i < count; i++) {
        ids[i] = list->devices[i].device_id;
        names[i] = list->devices[i].display_name;
        keys[i] = list->devices[i].keys;
    }
    journal_entry_add(entry, &statements[SET],
                      PARAMS(INT(list->user_nid), INT(list->stream_id), INT(list->tracked_position),
                             INT(list->generation)));
    journal_entry_add(entry, &statements[CLEAR_DEVICES], PARAMS(INT(list->user_nid)));
    journal_entry_add(entry, &statements[SET_DEVICES],
                      PARAMS(INT(list->user_nid), TEXT_ARRAY(ids, count), TEXT_ARRAY(names, count),
                             TEXT_ARRAY(keys, count)));
}

void remote_device_list_update_in(struct journal_entry *entry, const struct device_list_step *step)
{
    const struct remote_device *device = &step->device;

    journal_entry_add(entry, &statements[STEP],
                      PARAMS(INT(step->user_nid), INT(step->stream_id), INT(step->newest_prev_id)));
    if (device->keys == NULL)
        journal_entry_add(
            entry, &statements[STEP_DELETE],
            PARAMS(INT(step->user_nid), INT(step->stream_id), TEXT(device->device_id)));
    else
        journal_entry_add(entry, &statements[STEP_SET],
                          PARAMS(INT(step->user_nid), INT(step->stream_id), TEXT(device->device_id),
                                 TEXT(device->display_name), TEXT(device->keys),
                                 INT(REMOTE_DEVICES_MAX)));
}

void remote_device_list_heard_in(struct journal_entry *entry, int64_t user_nid)
{
    journal_entry_add(entry, &statements[HEARD], PARAMS(INT(user_nid)));
}

enum errcode remote_device_lists_forget(struct db *db)
{
    TRY(db_execute(db, &statements[FORGET], NO_PARAMS, NULL));
    return db_execute(db, &statements[FORGET_KEYS], NO_PARAMS, NULL);
}
