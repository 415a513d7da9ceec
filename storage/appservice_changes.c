/* Presence, device lists and key counts as application services are told of them. */
#include "storage/appservice_changes.h"

#include "homeserver/base/arena.h"
#include "storage/statements.h"

enum {
    PRESENCE,
    DEVICE_LISTS,
    KEY_COUNTS,
    ROOMS,
    PRESENCE_AT,
    DEVICE_LISTS_AT,
    DEVICES_AT,
    DEPARTED
};

#define LEAVE_OR_BAN "3, 4" /* enum stored_membership */

/* clang-format off */
static const struct db_statement statements[] = {
    [PRESENCE] = {"appservice_presence",
        "SELECT p.position, p.user_nid, u.user_id, NULL::text "
        "  FROM presence p JOIN users u USING (user_nid) "
        " WHERE p.position > $1 AND p.position <= $2 "
        " ORDER BY p.position"},

    [DEVICE_LISTS] = {"appservice_device_lists",
        "SELECT c.position, c.user_nid, u.user_id, NULL::text "
        "  FROM device_list_changes c JOIN users u USING (user_nid) "
        " WHERE c.position > $1 AND c.position <= $2 "
        " ORDER BY c.position, c.user_nid"},

    [KEY_COUNTS] = {"appservice_key_counts",
        "SELECT c.position, c.user_nid, u.user_id, a.appservice_id "
        "  FROM one_time_key_changes c "
        "  JOIN accounts a USING (user_nid) "
        "  JOIN users u USING (user_nid) "
        " WHERE c.position > $1 AND c.position <= $2 AND a.appservice_id IS NOT NULL "
        " ORDER BY c.position, c.user_nid"},

    [ROOMS] = {"appservice_rooms_of_user",
        "SELECT m.room_nid, r.room_id "
        "  FROM memberships m JOIN rooms r USING (room_nid) "
        " WHERE m.user_nid = $1 AND m.membership = 2 "
        " ORDER BY m.room_nid"},

    [PRESENCE_AT] = {"appservice_presence_at",
        "SELECT p.user_nid, u.user_id, p.state, p.status_msg, p.last_active_ts, "
        "       p.currently_active "
        "  FROM presence p JOIN users u USING (user_nid) "
        " WHERE p.position = ANY ($1) "
        " ORDER BY p.position"},

    [DEVICE_LISTS_AT] = {"appservice_device_lists_at",
        "SELECT u.user_id "
        "  FROM device_list_changes c JOIN users u USING (user_nid) "
        " WHERE c.position = ANY ($1) "
        " GROUP BY u.user_id "
        " ORDER BY u.user_id"},

    [DEVICES_AT] = {"appservice_devices_at",
        "SELECT c.user_nid, u.user_id, c.device_id "
        "  FROM one_time_key_changes c "
        "  JOIN accounts a ON a.user_nid = c.user_nid AND a.appservice_id = $1 "
        "  JOIN users u ON u.user_nid = c.user_nid "
        " WHERE c.position = ANY ($2) "
        " ORDER BY u.user_id, c.device_id"},

    /* Who left, and, when it was one of the application service's users, who stayed. */
    [DEPARTED] = {"appservice_departed",
        "WITH gone AS MATERIALIZED ("
        "    SELECT m.room_nid, m.user_nid "
        "      FROM events e "
        "      JOIN state_keys k ON k.state_key_nid = e.state_key_nid AND k.type = 'm.room.member' "
        "      JOIN users u ON u.user_id = k.state_key "
        "      JOIN memberships m ON m.room_nid = e.room_nid AND m.user_nid = u.user_nid "
        "     WHERE e.event_nid = ANY ($2) AND m.event_nid = e.event_nid "
        "       AND m.membership IN (" LEAVE_OR_BAN ")), "
        "others AS ("
        "    SELECT user_nid FROM gone "
        "    UNION "
        "    SELECT o.user_nid FROM gone g "
        "      JOIN accounts a ON a.user_nid = g.user_nid AND a.appservice_id = $1 "
        "      JOIN memberships o ON o.room_nid = g.room_nid AND o.membership = 2) "
        "SELECT (SELECT u.user_id FROM users u WHERE u.user_nid = o.user_nid) AS user_id "
        "  FROM others o "
        " WHERE NOT EXISTS (SELECT 1 FROM accounts a "
        "                    WHERE a.user_nid = o.user_nid AND a.appservice_id = $1) "
        "   AND NOT EXISTS ("
        "    SELECT 1 FROM memberships theirs "
        "      JOIN memberships mine ON mine.room_nid = theirs.room_nid AND mine.is_local "
        "                           AND mine.membership = 2 "
        "      JOIN accounts a ON a.user_nid = mine.user_nid AND a.appservice_id = $1 "
        "     WHERE theirs.user_nid = o.user_nid AND theirs.membership = 2) "
        " ORDER BY user_id"},
};
STATEMENT_TABLE(appservice_changes, statements);
/* clang-format on */

static enum errcode changes(struct db *db, struct arena *arena,
                            const struct db_statement *statement, struct position_range range,
                            struct appservice_change **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, statement, PARAMS(INT(range.since), INT(range.until)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct appservice_change);
    for (size_t i = 0; i < *count_out; i++) {
        (*out)[i] = (struct appservice_change){
            .position = rows_int(rows, i, 0),
            .user_nid = rows_int(rows, i, 1),
            .user_id = rows_text(rows, i, 2),
            .appservice_id = rows_text(rows, i, 3),
        };
    }
    return OK;
}

enum errcode appservice_presence(struct db *db, struct arena *arena, struct position_range range,
                                 struct appservice_change **out, size_t *count_out)
{
    return changes(db, arena, &statements[PRESENCE], range, out, count_out);
}

enum errcode appservice_device_lists(struct db *db, struct arena *arena,
                                     struct position_range range, struct appservice_change **out,
                                     size_t *count_out)
{
    return changes(db, arena, &statements[DEVICE_LISTS], range, out, count_out);
}

enum errcode appservice_key_counts(struct db *db, struct arena *arena, struct position_range range,
                                   struct appservice_change **out, size_t *count_out)
{
    return changes(db, arena, &statements[KEY_COUNTS], range, out, count_out);
}

enum errcode appservice_rooms_of_user(struct db *db, struct arena *arena, int64_t user_nid,
                                      struct appservice_room **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[ROOMS], PARAMS(INT(user_nid)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct appservice_room);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct appservice_room){rows_int(rows, i, 0), rows_text(rows, i, 1)};
    return OK;
}

enum errcode appservice_presence_load(struct db *db, struct arena *arena, struct nid_list positions,
                                      struct presence_row **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[PRESENCE_AT],
                 PARAMS(INT_ARRAY(positions.items, positions.count)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct presence_row);
    for (size_t i = 0; i < *count_out; i++) {
        (*out)[i] = (struct presence_row){
            .user_nid = rows_int(rows, i, 0),
            .user_id = rows_text(rows, i, 1),
            .state = (enum presence_state)rows_int(rows, i, 2),
            .status_msg = rows_text(rows, i, 3),
            .last_active_ts = rows_int(rows, i, 4),
            .currently_active = rows_bool(rows, i, 5),
        };
    }
    return OK;
}

static const char **rows_texts(struct arena *arena, const struct db_rows *rows, size_t *count_out)
{
    *count_out = rows_count(rows);
    const char **texts = ARENA_ARRAY(arena, *count_out, const char *);

    for (size_t i = 0; i < *count_out; i++)
        texts[i] = rows_text(rows, i, 0);
    return texts;
}

enum errcode appservice_device_lists_load(struct db *db, struct arena *arena,
                                          struct nid_list positions, const char ***user_ids_out,
                                          size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[DEVICE_LISTS_AT],
                 PARAMS(INT_ARRAY(positions.items, positions.count)), &rows));
    *user_ids_out = rows_texts(arena, rows, count_out);
    return OK;
}

enum errcode appservice_departed_load(struct db *db, struct arena *arena, const char *id,
                                      struct nid_list event_nids, const char ***user_ids_out,
                                      size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[DEPARTED],
                 PARAMS(TEXT(id), INT_ARRAY(event_nids.items, event_nids.count)), &rows));
    *user_ids_out = rows_texts(arena, rows, count_out);
    return OK;
}

enum errcode appservice_devices_load(struct db *db, struct arena *arena, const char *id,
                                     struct nid_list positions, struct appservice_device **out,
                                     size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[DEVICES_AT],
                 PARAMS(TEXT(id), INT_ARRAY(positions.items, positions.count)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct appservice_device);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct appservice_device){rows_int(rows, i, 0), rows_text(rows, i, 1),
                                               rows_text(rows, i, 2)};
    return OK;
}
