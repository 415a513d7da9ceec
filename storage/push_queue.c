/* Queues of pushers. */
#include "storage/push_queue.h"

#include "homeserver/base/arena.h"
#include "storage/statements.h"

enum {
    LOCK,
    EMAIL_LOCK,
    POSITION_OF_STREAM,
    ENQUEUE,
    WAITING,
    TARGET,
    QUEUE,
    DONE,
    FAILED,
    WAIT_UNTIL
};

/* clang-format off */
static const struct db_statement statements[] = {
    /* The lock is the session's; taking it again counts it again, which does no harm. */
    [LOCK] = {"push_lock",
        "SELECT pg_try_advisory_lock(1112, 26)"},

    [EMAIL_LOCK] = {"push_email_lock",
        "SELECT pg_try_advisory_lock(1112, 28)"},

    [POSITION_OF_STREAM] = {"push_stream_position",
        "SELECT position FROM push_stream"},

    /* Flags of events: 7 hidden, 8 notifies, 16 highlights, 64 sounds, 128 rings; of push actions:
     * 1 notifies, 2 highlights, 4 sounds, 8 rings. What an event does for everybody, what it does
     * for some, and reading, which changes the count. */
    [ENQUEUE] = {"push_enqueue",
        "WITH found AS ( "
        "  SELECT p.pusher_nid, e.position, e.room_nid, e.event_nid, "
        "         1 | (e.flags & 16) >> 3 | (e.flags & 64) >> 4 | (e.flags & 128) >> 4 AS flags, "
        "         NULL::text AS actions "
        "    FROM events e "
        "    JOIN memberships m ON m.room_nid = e.room_nid AND m.membership = 2 AND m.is_local "
        "     AND m.user_nid <> e.sender_nid AND m.joined_position < e.position "
        "    JOIN pushers p ON p.user_nid = m.user_nid AND p.enabled "
        "     AND p.last_position < e.position "
        "   WHERE e.position > 0 AND e.position > $1 AND e.position <= $2 "
        "     AND e.flags & 15 = 8 "
        "     AND EXISTS (SELECT 1 FROM pushers) "
        "     AND NOT EXISTS (SELECT 1 FROM push_actions a "
        "                      WHERE a.user_nid = m.user_nid AND a.room_nid = e.room_nid "
        "                        AND a.position = e.position) "
        "   UNION ALL "
        "  SELECT p.pusher_nid, e.position, e.room_nid, e.event_nid, a.flags, a.actions "
        "    FROM push_actions a "
        "    JOIN events e ON e.room_nid = a.room_nid AND e.position = a.position "
        "     AND e.flags & 7 = 0 AND e.sender_nid <> a.user_nid "
        "    JOIN pushers p ON p.user_nid = a.user_nid AND p.enabled "
        "     AND p.last_position < a.position "
        "   WHERE a.position > $1 AND a.position <= $2 AND a.flags & 1 = 1 "
        "   UNION ALL "
        "  SELECT p.pusher_nid, r.position, r.room_nid, 0, 0, NULL "
        "    FROM receipts r "
        "    JOIN pushers p ON p.user_nid = r.user_nid AND p.enabled AND p.kind = 'http' "
        "     AND p.last_position < r.position "
        "   WHERE r.position > $1 AND r.position <= $2), "
        "queued AS ( "
        "  INSERT INTO push_queue (pusher_nid, position, room_nid, event_nid, flags, actions) "
        "  SELECT pusher_nid, position, room_nid, event_nid, flags, actions FROM found "
        "      ON CONFLICT (pusher_nid, position) DO NOTHING "
        "  RETURNING pusher_nid), "
        "moved AS ( "
        "  UPDATE push_stream SET position = $2 "
        "   WHERE position < $2 "
        "     AND (EXISTS (SELECT 1 FROM queued) OR position < $2 - $3::bigint)) "
        "SELECT DISTINCT pusher_nid FROM queued JOIN pushers USING (pusher_nid) "
        " WHERE kind = 'http'"},

    [WAITING] = {"push_waiting",
        "SELECT p.pusher_nid FROM pushers p "
        " WHERE p.kind = $1 AND (p.next_try_ts > 0 "
        "        OR EXISTS (SELECT 1 FROM push_queue q WHERE q.pusher_nid = p.pusher_nid)) "
        " ORDER BY p.pusher_nid"},

    [TARGET] = {"push_target_load",
        "SELECT p.pusher_nid, p.user_nid, p.app_id, p.pushkey, p.kind, p.lang, p.data, "
        "       p.pushkey_ts, p.enabled, u.user_id, p.failing_since_ts, p.next_try_ts, "
        "       coalesce(p.badge, -1) "
        "  FROM pushers p "
        "  JOIN users u ON u.user_nid = p.user_nid "
        " WHERE p.pusher_nid = $1"},

    /* An event is read when a receipt for its thread, or for all threads, stands at it or after it,
     * or when its reader wrote something after it: as unread counts have it. */
    [QUEUE] = {"push_queue_load",
        "SELECT q.position, q.event_nid, r.room_id, q.room_nid, q.flags, q.actions, "
        "       q.event_nid <> 0 AND ( "
        "       NOT EXISTS (SELECT 1 FROM memberships m "
        "                    WHERE m.room_nid = q.room_nid AND m.user_nid = p.user_nid "
        "                      AND m.membership IN (1, 2)) "
        "       OR EXISTS (SELECT 1 FROM receipts c "
        "                   WHERE c.room_nid = q.room_nid AND c.user_nid = p.user_nid "
        "                     AND c.event_position >= q.position "
        "                     AND c.thread IN ('', coalesce(t.root_event_id, 'main'))) "
        "       OR EXISTS (SELECT 1 FROM events o "
        "                    LEFT JOIN thread_events ot ON ot.event_nid = o.event_nid "
        "                   WHERE o.room_nid = q.room_nid AND o.position > q.position "
        "                     AND o.sender_nid = p.user_nid AND o.flags & 7 = 0 "
        "                     AND coalesce(ot.root_event_id, 'main') = "
        "                         coalesce(t.root_event_id, 'main'))) "
        "  FROM push_queue q "
        "  JOIN pushers p ON p.pusher_nid = q.pusher_nid "
        "  JOIN rooms r ON r.room_nid = q.room_nid "
        "  LEFT JOIN thread_events t ON t.event_nid = q.event_nid "
        " WHERE q.pusher_nid = $1 "
        " ORDER BY q.position "
        " LIMIT $2"},

    [DONE] = {"push_done",
        "WITH told AS ( "
        "  DELETE FROM push_queue WHERE pusher_nid = $1 AND position <= $2) "
        "UPDATE pushers "
        "   SET last_position = greatest(last_position, $2), badge = $3, "
        "       failing_since_ts = NULL, next_try_ts = 0 "
        " WHERE pusher_nid = $1"},

    [FAILED] = {"push_failed",
        "UPDATE pushers "
        "   SET failing_since_ts = coalesce(failing_since_ts, $2), next_try_ts = $3 "
        " WHERE pusher_nid = $1"},

    [WAIT_UNTIL] = {"push_wait_until",
        "UPDATE pushers SET next_try_ts = $2 WHERE pusher_nid = $1"},
};
STATEMENT_TABLE(push_queue, statements);
/* clang-format on */

static struct nid_list read_nids(const struct db_rows *rows, struct arena *arena)
{
    size_t count = rows_count(rows);
    int64_t *nids = ARENA_ARRAY(arena, count, int64_t);

    for (size_t i = 0; i < count; i++)
        nids[i] = rows_int(rows, i, 0);
    return (struct nid_list){nids, count};
}

enum errcode push_lock(struct db *db, struct arena *arena, bool *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOCK], NO_PARAMS, &rows));
    *out = rows_bool(rows, 0, 0);
    return OK;
}

enum errcode push_email_lock(struct db *db, struct arena *arena, bool *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[EMAIL_LOCK], NO_PARAMS, &rows));
    *out = rows_bool(rows, 0, 0);
    return OK;
}

enum errcode push_stream_position(struct db *db, struct arena *arena, int64_t *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[POSITION_OF_STREAM], NO_PARAMS, &rows));
    *out = rows_int(rows, 0, 0);
    return OK;
}

enum errcode push_enqueue(struct db *db, struct arena *arena, const struct push_pass *pass,
                          struct nid_list *pusher_nids_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[ENQUEUE],
                 PARAMS(INT(pass->since), INT(pass->until), INT(pass->unwritten_max)), &rows));
    *pusher_nids_out = read_nids(rows, arena);
    return OK;
}

enum errcode push_waiting(struct db *db, struct arena *arena, const char *kind,
                          struct nid_list *pusher_nids_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[WAITING], PARAMS(TEXT(kind)), &rows));
    *pusher_nids_out = read_nids(rows, arena);
    return OK;
}

enum errcode push_target_load(struct db *db, struct arena *arena, int64_t pusher_nid,
                              struct push_target *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[TARGET], PARAMS(INT(pusher_nid)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = (struct push_target){
        .pusher =
            {
                .pusher_nid = rows_int(rows, 0, 0),
                .user_nid = rows_int(rows, 0, 1),
                .app_id = rows_text(rows, 0, 2),
                .pushkey = rows_text(rows, 0, 3),
                .kind = rows_text(rows, 0, 4),
                .lang = rows_text(rows, 0, 5),
                .data = rows_text(rows, 0, 6),
                .pushkey_ts = rows_int(rows, 0, 7),
                .is_enabled = rows_bool(rows, 0, 8),
            },
        .user_id = rows_text(rows, 0, 9),
        .failing_since_ts = rows_int(rows, 0, 10),
        .next_try_ts = rows_int(rows, 0, 11),
        .badge = rows_int(rows, 0, 12),
    };
    return OK;
}

enum errcode push_queue_load(struct db *db, struct arena *arena, int64_t pusher_nid, int64_t limit,
                             struct push_item **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[QUEUE], PARAMS(INT(pusher_nid), INT(limit)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct push_item);
    for (size_t i = 0; i < *count_out; i++) {
        (*out)[i] = (struct push_item){
            .position = rows_int(rows, i, 0),
            .event_nid = rows_int(rows, i, 1),
            .room_id = rows_text(rows, i, 2),
            .room_nid = rows_int(rows, i, 3),
            .flags = (unsigned)rows_int(rows, i, 4),
            .actions = rows_text(rows, i, 5),
            .is_over = rows_bool(rows, i, 6),
        };
    }
    return OK;
}

enum errcode push_done(struct db *db, int64_t pusher_nid, int64_t position, int64_t badge)
{
    return db_execute(db, &statements[DONE], PARAMS(INT(pusher_nid), INT(position), INT(badge)),
                      NULL);
}

enum errcode push_failed(struct db *db, int64_t pusher_nid, int64_t now_ts, int64_t next_try_ts)
{
    return db_execute(db, &statements[FAILED],
                      PARAMS(INT(pusher_nid), INT(now_ts), INT(next_try_ts)), NULL);
}

enum errcode push_wait_until(struct db *db, int64_t pusher_nid, int64_t next_try_ts)
{
    return db_execute(db, &statements[WAIT_UNTIL], PARAMS(INT(pusher_nid), INT(next_try_ts)), NULL);
}
