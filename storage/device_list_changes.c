/*
 * Whose keys are to be asked for again.
 *
 * Two users share a room when both are joined to it; they shared it at `since` when the stay of
 * both began before and had not ended by then. memberships.joined_position is the beginning of the
 * newest stay, so leaving and coming back counts as new, a change of name does not.
 *
 * Clients encrypt for the invited too where history is visible to them, so members of a room are
 * told of the devices of those who are invited to it, from the invite on.
 */
#include "storage/device_list_changes.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/journal.h"
#include "storage/memberships.h"
#include "storage/statements.h"

enum { ADD, ADD_OWN, REPEAT, LOAD };

/* Neither came only after the other had gone. */
#define HAVE_MET                                                                                   \
    "(mine.membership = 2 OR theirs.joined_position < mine.position) "                             \
    "AND (theirs.membership = 2 OR mine.joined_position < theirs.position) "

/* clang-format off */
static const struct db_statement statements[] = {
    [ADD] = {"device_list_changes_add",
        "INSERT INTO device_list_changes (user_nid, position) "
        "SELECT $1, $2 "
        " WHERE NOT EXISTS (SELECT 1 FROM memberships "
        "                    WHERE user_nid = $1 AND membership IN (1, 2) AND position > $3) "
        "    ON CONFLICT (user_nid, position) DO UPDATE SET only_own = false"},

    [ADD_OWN] = {"device_list_changes_add_own",
        "INSERT INTO device_list_changes (user_nid, position, only_own) VALUES ($1, $2, true) "
        "    ON CONFLICT (user_nid, position) DO NOTHING"},

    [REPEAT] = {"device_list_changes_repeat",
        "INSERT INTO device_list_changes (user_nid, position) "
        "SELECT DISTINCT c.user_nid, $3::bigint "
        "  FROM device_list_changes c JOIN memberships m USING (user_nid) "
        " WHERE m.room_nid = $1 AND m.membership = 2 AND NOT m.is_local AND c.position > $2 "
        "    ON CONFLICT (user_nid, position) DO NOTHING"},

    /* `touched`: others in rooms where the viewer's membership or theirs changed. OFFSET 0: each
     * candidate is judged by the viewer's own rooms, not by all memberships of the server. */
    [LOAD] = {"device_list_changes_load",
        "WITH touched AS ( "
        "    SELECT theirs.user_nid "
        "      FROM memberships mine JOIN memberships theirs USING (room_nid) "
        "     WHERE mine.user_nid = $1 AND mine.position > $2 "
        "       AND mine.joined_position > 0 AND theirs.joined_position > 0 "
        "       AND (theirs.membership = 2 OR theirs.position > $2) "
        "       AND " HAVE_MET
        "     UNION "
        "    SELECT theirs.user_nid "
        "      FROM memberships mine JOIN memberships theirs USING (room_nid) "
        "     WHERE mine.user_nid = $1 AND mine.room_nid = ANY ($4::bigint[]) "
        "       AND mine.joined_position > 0 AND theirs.joined_position > 0 "
        "       AND (mine.membership = 2 OR mine.position > $2) AND theirs.position > $2 "
        "       AND " HAVE_MET
        "), candidates AS ( "
        "    SELECT user_nid, bool_or(has_changed) AS has_changed "
        "      FROM (SELECT user_nid, true AS has_changed "
        "              FROM device_list_changes "
        "             WHERE position > $2 AND position <= $3 "
        "             UNION ALL "
        "            SELECT target_nid, true "
        "              FROM key_signatures "
        "             WHERE signer_nid = $1 AND position > $2 AND position <= $3 "
        "             UNION ALL "
        "            SELECT theirs.user_nid, true "
        "              FROM memberships mine JOIN memberships theirs USING (room_nid) "
        "             WHERE mine.user_nid = $1 AND mine.room_nid = ANY ($4::bigint[]) "
        "               AND mine.membership = 2 "
        "               AND theirs.membership = 1 "
        "               AND (theirs.position > $2 OR mine.joined_position > $2) "
        "             UNION ALL "
        "            SELECT user_nid, false FROM touched) AS all_kinds "
        "     GROUP BY user_nid "
        "), judged AS ( "
        "    SELECT user_nid, has_changed, "
        "           user_nid = $1 "
        "           OR EXISTS (SELECT 1 "
        "                        FROM memberships mine JOIN memberships theirs USING (room_nid) "
        "                       WHERE mine.user_nid = $1 AND mine.membership = 2 "
        "                         AND theirs.user_nid = candidates.user_nid "
        "                         AND theirs.membership IN (1, 2) OFFSET 0) AS shares_now, "
        "           EXISTS (SELECT 1 "
        "                     FROM memberships mine JOIN memberships theirs USING (room_nid) "
        "                    WHERE mine.user_nid = $1 "
        "                      AND mine.joined_position BETWEEN 1 AND $2 "
        "                      AND (mine.membership = 2 OR mine.position > $2) "
        "                      AND theirs.user_nid = candidates.user_nid "
        "                      AND theirs.joined_position BETWEEN 1 AND $2 "
        "                      AND (theirs.membership = 2 OR theirs.position > $2) OFFSET 0) AS shared_then "
        "      FROM candidates) "
        "SELECT u.user_id, NOT judged.shares_now "
        "  FROM judged JOIN users u USING (user_nid) "
        " WHERE CASE WHEN judged.shares_now "
        "            THEN judged.has_changed OR (judged.user_nid <> $1 AND NOT judged.shared_then) "
        "            ELSE judged.user_nid IN (SELECT user_nid FROM touched) END "
        " ORDER BY u.user_id"},
};
STATEMENT_TABLE(device_list_changes, statements);
/* clang-format on */

void device_lists_repeat_in(struct journal_entry *entry, int64_t room_nid, int64_t after)
{
    journal_entry_add(entry, &statements[REPEAT], PARAMS(INT(room_nid), INT(after), POSITION));
}

enum errcode device_list_changed_in(struct db *db, struct arena *arena, struct journal_entry *entry,
                                    int64_t user_nid)
{
    struct membership_row *rows;
    int64_t newest = 0;
    size_t count;

    TRY(memberships_of_user(db, arena, user_nid, false, &rows, &count));
    for (size_t i = 0; i < count; i++) {
        if (rows[i].position > newest)
            newest = rows[i].position;
        if (rows[i].membership == STORED_JOIN || rows[i].membership == STORED_INVITE)
            journal_entry_wake_room(entry, rows[i].room_nid);
    }
    journal_entry_wake_user(entry, user_nid);
    /* Who comes into a room just now would not be heard of there: then it is done again. */
    journal_entry_add_expecting(entry, &statements[ADD],
                                PARAMS(INT(user_nid), POSITION, INT(newest)), 1);
    return OK;
}

void device_list_told_by_join_in(struct journal_entry *entry, int64_t user_nid)
{
    journal_entry_add(entry, &statements[ADD], PARAMS(INT(user_nid), POSITION, INT(INT64_MAX)));
}

void device_list_told_to_own_in(struct journal_entry *entry, int64_t user_nid)
{
    journal_entry_add(entry, &statements[ADD_OWN], PARAMS(INT(user_nid), POSITION));
}

enum errcode device_list_changes_load(struct db *db, struct arena *arena,
                                      const struct device_list_query *query,
                                      struct device_list_change **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD],
                 PARAMS(INT(query->viewer_nid), INT(query->range.since), INT(query->range.until),
                        INT_ARRAY(query->room_nids, query->room_count)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct device_list_change);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct device_list_change){rows_text(rows, i, 0), rows_bool(rows, i, 1)};
    return OK;
}
