/* What events do for users: personal push actions, unread counts, the list of notifications. */
#include "storage/push_actions.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

/* The newest receipt of the user $1 for a thread. */
#define READ_UP_TO(room_nid, thread)                                                               \
    "(SELECT max(r.event_position) FROM receipts r "                                               \
    "  WHERE r.room_nid = " room_nid " AND r.user_nid = $1 AND r.thread = " thread ") "
#define READ_MAIN   READ_UP_TO("m.room_nid", "'main'")
#define READ_THREAD READ_UP_TO("t.room_nid", "t.thread")

/* For the user $1: where the reading of a room begins, whatever the thread; never in history that
 * was fetched later. */
#define READ_UNTHREADED "greatest(" READ_UP_TO("m.room_nid", "''") ", m.position, 0) "

/* Flags of events: 7 hidden, 8 notifies, 16 highlights, 32 in a thread, 2048 redacted
 * (storage/events.h). Flags of push actions: 1 notifies, 2 highlights
 * (homeserver/protocol/push_rules.h). */
#define NOTIFIES                                                                                   \
    "CASE WHEN e.flags & 2048 <> 0 THEN false WHEN p.flags IS NULL THEN e.flags & 8 <> 0 ELSE "    \
    "p.flags & 1 <> 0 END "
#define HIGHLIGHTS                                                                                 \
    "CASE WHEN e.flags & 2048 <> 0 THEN false WHEN p.flags IS NULL THEN e.flags & 16 <> 0 ELSE "   \
    "p.flags & 2 <> 0 END "

/* An event that is neither hidden, nor in a thread, nor redacted. */
#define IN_MAIN "n.flags & 2087 = 0"

enum { ADD, THREAD_ADD, COUNTS, ROOMS, LIST };

static const struct db_statement statements[] = {
    [ADD] = {"push_action_add",
             "INSERT INTO push_actions (user_nid, room_nid, position, flags, actions) "
             "SELECT n.user_nid, n.room_nid, n.position, n.flags, n.actions "
             "  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[]) "
             "    AS n (user_nid, room_nid, position, flags, actions) "
             "    ON CONFLICT (user_nid, room_nid, position) DO NOTHING"},

    [THREAD_ADD] = {"thread_event_add",
                    "INSERT INTO thread_events (event_nid, room_nid, root_event_id) "
                    "SELECT n.event_nid, n.room_nid, n.root_event_id "
                    "  FROM unnest($1::bigint[], $2::bigint[], $3::text[]) "
                    "    AS n (event_nid, room_nid, root_event_id) "
                    "    ON CONFLICT (event_nid) DO NOTHING"},

    /* What all of a room share is counted from the index of positions alone: of the newest events
     * since the user read the room, those that notify everybody. Taken off is the main timeline up
     * to where the user wrote or read in it, added what differs for this user, who has a row of
     * push_actions there. Threads, of which each is read apart, are gone through event by event. */
    [COUNTS] =
        {"unread_counts",
         "WITH seen AS MATERIALIZED ( "
         "  SELECT m.room_nid, e.first, e.notifies, e.highlights, e.has_threads, "
         "         greatest(e.first - 1, e.own_position, " READ_MAIN ") AS read_position "
         "    FROM memberships m "
         "   CROSS JOIN LATERAL ( "
         "         SELECT min(n.position) AS first, "
         "                count(*) FILTER (WHERE " IN_MAIN " AND n.flags & 8 <> 0) AS notifies, "
         "                count(*) FILTER (WHERE " IN_MAIN " AND n.flags & 16 <> 0) "
         "                  AS highlights, "
         "                max(n.position) FILTER (WHERE n.flags & 32 = 0 AND n.sender_nid = $1) "
         "                  AS own_position, "
         "                bool_or(n.flags & 32 <> 0) AS has_threads "
         "           FROM (SELECT events.position, events.flags, events.sender_nid "
         "                   FROM events "
         "                  WHERE events.room_nid = m.room_nid "
         "                    AND events.position > " READ_UNTHREADED
         "                    AND events.position <= $4 "
         "                    AND events.flags & 7 = 0 "
         "                  ORDER BY events.position DESC "
         "                  LIMIT $3) n) e "
         "   WHERE m.user_nid = $1 AND m.room_nid = ANY ($2) AND m.membership = 2 "
         "     AND e.first IS NOT NULL), "
         "in_main AS ( "
         "  SELECT s.room_nid, "
         "         s.notifies - was.notifies + coalesce(own.notifies, 0) AS notifies, "
         "         s.highlights - was.highlights + coalesce(own.highlights, 0) AS highlights "
         "    FROM seen s "
         "   CROSS JOIN LATERAL ( "
         "         SELECT count(*) FILTER (WHERE n.flags & 8 <> 0) AS notifies, "
         "                count(*) FILTER (WHERE n.flags & 16 <> 0) AS highlights "
         "           FROM events n "
         "          WHERE n.room_nid = s.room_nid AND n.position >= s.first "
         "            AND n.position <= s.read_position AND " IN_MAIN ") was "
         "   CROSS JOIN LATERAL ( "
         "         SELECT sum((p.flags & 1) - (n.flags >> 3 & 1)) AS notifies, "
         "                sum((p.flags >> 1 & 1) - (n.flags >> 4 & 1)) AS highlights "
         "           FROM push_actions p "
         "           JOIN events n ON n.room_nid = p.room_nid AND n.position = p.position "
         "          WHERE p.user_nid = $1 AND p.room_nid = s.room_nid "
         "            AND p.position > s.read_position AND p.position <= $4 "
         "            AND " IN_MAIN ") own), "
         "in_threads AS ( "
         "  SELECT e.room_nid, t.root_event_id AS thread, e.position, "
         "         " NOTIFIES " AS notifies, "
         "         " HIGHLIGHTS " AS highlights, "
         "         max(e.position) FILTER (WHERE e.sender_nid = $1) "
         "           OVER (PARTITION BY e.room_nid, t.root_event_id) AS own_position "
         "    FROM seen s "
         "   CROSS JOIN LATERAL ( "
         "         SELECT n.room_nid, n.position, n.event_nid, n.flags, n.sender_nid "
         "           FROM events n "
         "          WHERE s.has_threads AND n.room_nid = s.room_nid AND n.position >= s.first "
         "            AND n.position <= $4 AND n.flags & 39 = 32 "
         "         OFFSET 0) e " /* room by room */
         "    JOIN thread_events t USING (event_nid) "
         "    LEFT JOIN push_actions p "
         "      ON p.user_nid = $1 AND p.room_nid = e.room_nid AND p.position = e.position) "
         "SELECT room_nid, 'main' AS thread, notifies, highlights "
         "  FROM in_main "
         " WHERE notifies > 0 OR highlights > 0 "
         " UNION ALL "
         "SELECT t.room_nid, t.thread, count(*) FILTER (WHERE t.notifies), "
         "       count(*) FILTER (WHERE t.highlights) "
         "  FROM in_threads t "
         " WHERE t.position > greatest(t.own_position, " READ_THREAD ", 0) "
         "   AND (t.notifies OR t.highlights) "
         " GROUP BY t.room_nid, t.thread "
         " ORDER BY room_nid, thread"},

    /* Badges are about rooms, so one unread event is enough to know, and own threads are left out
     * of the account. */
    [ROOMS] = {"unread_rooms",
               "SELECT count(*) FROM memberships m "
               " WHERE m.user_nid = $1 AND m.membership = 2 "
               "   AND EXISTS (SELECT 1 FROM events e "
               "                 LEFT JOIN push_actions p "
               "                   ON p.user_nid = $1 AND p.room_nid = e.room_nid "
               "                  AND p.position = e.position "
               "                WHERE e.room_nid = m.room_nid "
               "                  AND e.position > greatest( "
               "                      (SELECT max(r.event_position) FROM receipts r "
               "                        WHERE r.room_nid = m.room_nid AND r.user_nid = $1), "
               "                      m.position) "
               "                  AND e.flags & 7 = 0 AND e.sender_nid <> $1 AND " NOTIFIES
               /* Room by room, each up to the first. */
               "               OFFSET 0)"},

    [LIST] = {"notifications_list",
              "SELECT e.position, e.event_nid, e.room_nid, e.flags, p.flags IS NOT NULL, p.flags, "
              "       p.actions, "
              "       e.position <= coalesce((SELECT max(r.event_position) FROM receipts r "
              "                                WHERE r.room_nid = e.room_nid AND r.user_nid = $1), "
              "                              0) "
              "  FROM memberships m "
              " CROSS JOIN LATERAL ( "
              "       SELECT events.position, events.event_nid, events.room_nid, events.flags "
              "         FROM events "
              "         LEFT JOIN push_actions p "
              "           ON p.user_nid = $1 AND p.room_nid = events.room_nid "
              "          AND p.position = events.position "
              "        WHERE events.room_nid = m.room_nid AND events.position < $2 "
              "          AND events.position > 0 AND events.flags & 7 = 0 "
              "          AND events.sender_nid <> $1 "
              "          AND CASE WHEN events.flags & 2048 <> 0 THEN false "
              "                   WHEN p.flags IS NULL "
              "                   THEN events.flags & 8 <> 0 "
              "                    AND (events.flags & 16 <> 0 OR NOT $3) "
              "                   ELSE p.flags & 1 <> 0 AND (p.flags & 2 <> 0 OR NOT $3) END "
              "        ORDER BY events.position DESC "
              "        LIMIT $4) e "
              "  LEFT JOIN push_actions p "
              "    ON p.user_nid = $1 AND p.room_nid = e.room_nid AND p.position = e.position "
              " WHERE m.user_nid = $1 AND m.membership = 2 "
              " ORDER BY e.position DESC "
              " LIMIT $4"},
};

STATEMENT_TABLE(push_actions, statements);

void push_action_add_in(struct journal_entry *entry, const struct push_action *action)
{
    journal_entry_note_personal(entry, action->user_nid, action->flags);
    journal_entry_add_row(entry, &statements[ADD],
                          PARAMS(INT(action->user_nid), INT(action->room_nid), POSITION,
                                 INT(action->flags), TEXT(action->actions)));
}

void thread_event_add_in(struct journal_entry *entry, int64_t event_nid, int64_t room_nid,
                         const char *root_event_id)
{
    journal_entry_note_thread(entry, root_event_id);
    journal_entry_add_row(entry, &statements[THREAD_ADD],
                          PARAMS(INT(event_nid), INT(room_nid), TEXT(root_event_id)));
}

enum errcode unread_counts(struct db *db, struct arena *arena, const struct unread_query *query,
                           struct unread_count **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[COUNTS],
                 PARAMS(INT(query->user_nid),
                        INT_ARRAY(query->room_nids.items, query->room_nids.count),
                        INT(UNREAD_COUNT_MAX), INT(query->until)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct unread_count);
    for (size_t i = 0; i < *count_out; i++) {
        (*out)[i] = (struct unread_count){
            .room_nid = rows_int(rows, i, 0),
            .thread = rows_text(rows, i, 1),
            .notifications = rows_int(rows, i, 2),
            .highlights = rows_int(rows, i, 3),
        };
    }
    return OK;
}

enum errcode unread_rooms(struct db *db, struct arena *arena, int64_t user_nid, int64_t *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[ROOMS], PARAMS(INT(user_nid)), &rows));
    *out = rows_int(rows, 0, 0);
    return OK;
}

enum errcode notifications_list(struct db *db, struct arena *arena,
                                const struct notification_query *query, struct notification **out,
                                size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LIST],
                 PARAMS(INT(query->user_nid), INT(query->before), BOOL(query->only_highlights),
                        INT(query->limit)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct notification);
    for (size_t i = 0; i < *count_out; i++) {
        (*out)[i] = (struct notification){
            .position = rows_int(rows, i, 0),
            .event_nid = rows_int(rows, i, 1),
            .room_nid = rows_int(rows, i, 2),
            .event_flags = (unsigned)rows_int(rows, i, 3),
            .has_own = rows_bool(rows, i, 4),
            .own_flags = (unsigned)rows_int(rows, i, 5),
            .own_actions = rows_text(rows, i, 6),
            .is_read = rows_bool(rows, i, 7),
        };
    }
    return OK;
}
