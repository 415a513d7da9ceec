/* Outgoing federation: who has to hear what, read from the tables that the journal writes. */
#include "storage/federation_queues.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/journal.h"
#include "storage/statements.h"

/* clang-format off */
/* The server of a user ID. */
#define SERVER_OF(id) "substr(" id ", strpos(" id ", ':') + 1)"

/* Events that went their way: neither rejected (1), soft-failed (2) nor outliers (4). */
#define SENT_ON "e.position > 0 AND e.flags & 7 = 0"

/* A join that another server let happen: that one tells the others (1024: EVENT_GAP, 4096: EVENT_SENT). */
#define NOT_IMPORTED " AND e.flags & 5120 = 0 "

/* Who is not in the room hears of the ends of an invite; the invite came by itself. */
#define IS_INVITE                                                                                  \
    "(convert_from(j.json, 'UTF8')::json -> 'content' ->> 'membership') = 'invite'"

/* After $1, up to $2. */
#define IN_RANGE(table) table ".position > $1 AND " table ".position <= $2"

/* Rooms whose members we do not all know yet: what we have instead is a list of their servers. */
#define IS_PARTIAL "w.completed_position IS NULL"

/* What follows a SELECT that has rows when users of other servers are in the room of `column`. */
#define IS_REMOTE_ROOM(column)                                                                     \
    "FROM remote_members o WHERE o.until_position > $1 AND o.room_nid = " column
#define ANY_REMOTE_ROOM "EXISTS (SELECT FROM remote_members o WHERE o.until_position > $1)"

/* Remote users joined to the room of `column`. */
#define OTHERS_IN(column)                                                                          \
    "  JOIN remote_members o ON o.until_position > $1 AND o.room_nid = " column " "

/* Whoever came into the room later fetches an event as history, in its place. */
#define WERE_THERE " AND e.position BETWEEN o.joined_position AND o.until_position "

/* True when the server $2 is in the room of `column`. */
#define SERVER_IN_WHEN(column, was_joined, was_partial)                                            \
    "EXISTS (SELECT FROM "                                                                         \
    "  (SELECT m.room_nid "                                                                        \
    "     FROM users o JOIN memberships m USING (user_nid) "                                       \
    "    WHERE " SERVER_OF("o.user_id") " = $2 AND NOT o.is_local AND m.membership = 2" was_joined \
    "    UNION ALL "                                                                               \
    "   SELECT w.room_nid FROM partial_state_rooms w "                                             \
    "    WHERE $2 = ANY (w.servers) AND " was_partial ") AS theirs "                               \
    "WHERE theirs.room_nid = " column ")"
#define SERVER_IN(column) SERVER_IN_WHEN(column, "", IS_PARTIAL)
#define SERVER_WAS_IN                                                                              \
    SERVER_IN_WHEN("e.room_nid", " AND m.joined_position <= e.position ",                          \
                   "e.position > w.began_position "                                                \
                   "AND (" IS_PARTIAL " OR e.position <= w.completed_position)")

/* True when the user of `column` is in a room with the server $2. */
#define SHARES_ROOM(column)                                                                        \
    "EXISTS (SELECT FROM "                                                                         \
    "  (SELECT m.room_nid FROM users o JOIN memberships m USING (user_nid) "                       \
    "    WHERE " SERVER_OF("o.user_id") " = $2 AND NOT o.is_local AND m.membership = 2 "           \
    "    UNION ALL "                                                                               \
    "   SELECT w.room_nid FROM partial_state_rooms w "                                             \
    "    WHERE $2 = ANY (w.servers) AND " IS_PARTIAL ") AS theirs "                                \
    "  JOIN memberships mine ON mine.room_nid = theirs.room_nid "                                  \
    " WHERE mine.user_nid = " column " AND mine.membership = 2)"

/* True when the user of `column` is joined to a room (is_in "= 2"), or ever was ("> 0"), together with a user of the
 * server n.name. */
#define MEETS(column, is_in)                                                                       \
    "EXISTS (SELECT FROM memberships mine "                                                        \
    "  JOIN memberships theirs ON theirs.room_nid = mine.room_nid "                                \
    "       AND theirs.joined_position > 0 AND theirs.membership " is_in                           \
    "  JOIN users o ON o.user_nid = theirs.user_nid AND NOT o.is_local "                           \
    "       AND " SERVER_OF("o.user_id") " = n.name COLLATE \"C\" "                                \
    " WHERE mine.user_nid = " column " AND mine.joined_position > 0 AND mine.membership " is_in ") "

enum {
    LOCK, SCANNED, PROBE, SCAN, SET_SCANNED, WAITING, SENT, OUTBOX_DELETE, PDUS, OUTBOX, DEVICES, RECEIPTS, PRESENCE,
    OUTBOX_ADD, FORWARD, SERVERS, MISSED, LOST
};

static const struct db_statement statements[] = {
    [LOCK] = {"federation_sender_lock", "SELECT pg_try_advisory_lock(7305, 1)"},

    [SCANNED] = {"federation_scan_position", "SELECT position FROM federation_scan"},

    /* Most of what happens concerns nobody else: that is to be seen quickly. */
    [PROBE] = {"federation_queues_probe",
        "SELECT EXISTS (SELECT FROM events e "
        "                WHERE " IN_RANGE("e") " AND EXISTS (SELECT " IS_REMOTE_ROOM("e.room_nid") ")) "
        "    OR EXISTS (SELECT FROM events e JOIN state_keys k USING (state_key_nid) "
        "                WHERE " IN_RANGE("e") " AND k.type = 'm.room.member' "
        "                  AND " SERVER_OF("k.state_key") " <> ALL($3)) "
        "    OR EXISTS (SELECT FROM receipts r "
        "                WHERE " IN_RANGE("r") " AND EXISTS (SELECT " IS_REMOTE_ROOM("r.room_nid") ")) "
        "    OR EXISTS (SELECT FROM presence c WHERE " IN_RANGE("c") " AND " ANY_REMOTE_ROOM ") "
        "    OR EXISTS (SELECT FROM device_list_changes c "
        "                WHERE " IN_RANGE("c") " AND NOT c.only_own AND " ANY_REMOTE_ROOM ") "
        "    OR EXISTS (SELECT FROM federation_forwards f WHERE " IN_RANGE("f") ") "
        "    OR EXISTS (SELECT FROM federation_outbox b WHERE " IN_RANGE("b") ")"},

    [SCAN] = {"federation_queues_scan",
        "WITH concerned (by_user, to_user) AS ( "
        "    SELECT s.user_id, o.user_id "
        "      FROM events e "
        "      JOIN users s ON s.user_nid = e.sender_nid AND s.is_local "
               OTHERS_IN("e.room_nid")
        "     WHERE " IN_RANGE("e") " AND " SENT_ON NOT_IMPORTED WERE_THERE
        "     UNION "
        "    SELECT s.user_id, k.state_key "
        "      FROM events e "
        "      JOIN users s ON s.user_nid = e.sender_nid AND s.is_local "
        "      JOIN state_keys k ON k.state_key_nid = e.state_key_nid AND k.type = 'm.room.member' "
        "     WHERE " IN_RANGE("e") " AND " SENT_ON
        "     UNION "
        "    SELECT '@:' || f.origin, o.user_id "
        "      FROM federation_forwards f "
        "      JOIN events e ON e.event_nid = f.event_nid AND " SENT_ON
               OTHERS_IN("e.room_nid")
        "     WHERE " IN_RANGE("f") WERE_THERE
        "     UNION "
        "    SELECT s.user_id, o.user_id "
        "      FROM receipts r "
        "      JOIN users s ON s.user_nid = r.user_nid AND s.is_local "
               OTHERS_IN("r.room_nid")
        "     WHERE " IN_RANGE("r") " AND r.type = 1 "
        "     UNION "
        "    SELECT s.user_id, o.user_id "
        "      FROM presence c "
        "      JOIN users s ON s.user_nid = c.user_nid AND s.is_local "
        "      JOIN memberships mine ON mine.user_nid = c.user_nid AND mine.membership = 2 "
               OTHERS_IN("mine.room_nid")
        "     WHERE " IN_RANGE("c")
        "     UNION "
        "    SELECT s.user_id, o.user_id "
        "      FROM device_list_changes c "
        "      JOIN users s ON s.user_nid = c.user_nid AND s.is_local "
        "      JOIN memberships mine ON mine.user_nid = c.user_nid AND mine.membership = 2 "
               OTHERS_IN("mine.room_nid")
        "     WHERE " IN_RANGE("c") " AND NOT c.only_own "
        "), servers (origin, server_name) AS ( "
        "    SELECT " SERVER_OF("by_user") ", " SERVER_OF("to_user") " FROM concerned "
        "     UNION "
        "    SELECT b.origin, b.server_name FROM federation_outbox b WHERE " IN_RANGE("b") ") "
        "INSERT INTO federation_queues AS q (origin, server_name, sent_position, wanted_position, waiting_since_ts) "
        "SELECT origin, server_name, $1::bigint, $2::bigint, $4::bigint "
        "  FROM servers "
        " WHERE server_name <> ALL($3) AND origin = ANY($3) "
        "    ON CONFLICT (origin, server_name) DO UPDATE "
        "   SET wanted_position = EXCLUDED.wanted_position, "
        "       sent_position = CASE WHEN q.sent_position >= q.wanted_position "
        "                            THEN EXCLUDED.sent_position ELSE q.sent_position END, "
        "       waiting_since_ts = CASE WHEN q.sent_position >= q.wanted_position "
        "                               THEN EXCLUDED.waiting_since_ts ELSE q.waiting_since_ts END "
        "RETURNING origin, server_name, sent_position, wanted_position"},

    [SET_SCANNED] = {"federation_scan_set_position",
        "UPDATE federation_scan SET position = $1 WHERE position < $1"},

    [WAITING] = {"federation_queues_waiting",
        "SELECT origin, server_name, sent_position, wanted_position "
        "  FROM federation_queues "
        " WHERE sent_position < wanted_position"},

    [SENT] = {"federation_queue_sent",
        "UPDATE federation_queues "
        "   SET sent_position = $3, sent_ts = GREATEST(sent_ts, NULLIF($4, 0)), "
        "       waiting_since_ts = CASE WHEN wanted_position > $3 THEN GREATEST(waiting_since_ts, $5) END "
        " WHERE origin = $1 AND server_name = $2 AND sent_position < $3"},

    [OUTBOX_DELETE] = {"federation_outbox_delete",
        "DELETE FROM federation_outbox WHERE origin = $1 AND server_name = $2 AND position <= $3"},

    [PDUS] = {"federation_pdus_load",
        "SELECT e.position, j.json, e.origin_server_ts "
        "  FROM events e "
        "  JOIN users s ON s.user_nid = e.sender_nid AND s.is_local "
        "  JOIN event_json j ON j.event_nid = e.event_nid "
        "  LEFT JOIN state_keys k ON k.state_key_nid = e.state_key_nid AND k.type = 'm.room.member' "
        " WHERE e.position > $3 AND e.position <= $4 AND " SENT_ON NOT_IMPORTED
        "   AND " SERVER_OF("s.user_id") " = $1 "
        "   AND CASE WHEN " SERVER_WAS_IN " THEN true "
        "            WHEN " SERVER_OF("k.state_key") " = $2 THEN NOT " IS_INVITE
        "            ELSE false END "
        " UNION ALL "
        "SELECT f.position, j.json, e.origin_server_ts "
        "  FROM federation_forwards f "
        "  JOIN events e ON e.event_nid = f.event_nid AND " SENT_ON
        "  JOIN users s ON s.user_nid = e.sender_nid "
        "  JOIN event_json j ON j.event_nid = f.event_nid "
        " WHERE f.position > $3 AND f.position <= $4 AND f.origin = $1 "
        "   AND " SERVER_OF("s.user_id") " <> $2 "
        "   AND " SERVER_WAS_IN
        " ORDER BY position "
        " LIMIT $5"},

    [OUTBOX] = {"federation_outbox_load",
        "SELECT position, edu "
        "  FROM federation_outbox "
        " WHERE origin = $1 AND server_name = $2 AND position > $3 AND position <= $4 "
        " ORDER BY position "
        " LIMIT $5"},

    [DEVICES] = {"federation_device_changes_load",
        "SELECT max(c.position), s.user_id, "
        "       (SELECT min(d.device_id) FROM devices d WHERE d.user_nid = s.user_nid) "
        "  FROM device_list_changes c "
        "  JOIN users s ON s.user_nid = c.user_nid AND s.is_local "
        " WHERE c.position > $3 AND c.position <= $4 AND NOT c.only_own "
        "   AND " SERVER_OF("s.user_id") " = $1 "
        "   AND " SHARES_ROOM("c.user_nid")
        " GROUP BY s.user_nid, s.user_id "
        " ORDER BY 1 "
        " LIMIT $5"},

    [RECEIPTS] = {"federation_receipts_load",
        "SELECT room.room_id, s.user_id, r.event_id, r.thread, r.ts "
        "  FROM receipts r "
        "  JOIN users s ON s.user_nid = r.user_nid AND s.is_local "
        "  JOIN rooms room ON room.room_nid = r.room_nid "
        " WHERE r.position > $3 AND r.position <= $4 AND r.type = 1 "
        "   AND " SERVER_OF("s.user_id") " = $1 "
        "   AND " SERVER_IN("r.room_nid")
        " ORDER BY r.position "
        " LIMIT $5"},

    [PRESENCE] = {"federation_presence_load",
        "SELECT s.user_id, p.state, p.status_msg, p.last_active_ts, p.currently_active, p.position "
        "  FROM presence p "
        "  JOIN users s ON s.user_nid = p.user_nid AND s.is_local "
        " WHERE p.position > $3 AND p.position <= $4 "
        "   AND " SERVER_OF("s.user_id") " = $1 "
        "   AND " SHARES_ROOM("p.user_nid")
        " ORDER BY p.position "
        " LIMIT $5"},

    [OUTBOX_ADD] = {"federation_outbox_add",
        "INSERT INTO federation_outbox (position, origin, server_name, edu) VALUES ($1, $2, $3, $4)"},

    [FORWARD] = {"federation_forward",
        "INSERT INTO federation_forwards (event_nid, origin, position) VALUES ($1, $2, $3) "
        "    ON CONFLICT (event_nid) DO NOTHING"},

    [SERVERS] = {"federation_servers_in_room",
        "SELECT DISTINCT " SERVER_OF("o.user_id") " AS server_name "
        "  FROM memberships m "
        "  JOIN users o USING (user_nid) "
        " WHERE m.room_nid = $1 AND m.membership = 2 AND NOT m.is_local "
        " UNION "
        "SELECT unnest(w.servers) FROM partial_state_rooms w "
        " WHERE w.room_nid = $1 AND " IS_PARTIAL
        " ORDER BY server_name"},

    [MISSED] = {"federation_missed_changes_load",
        "SELECT max(c.position), s.user_id, "
        "       (SELECT min(d.device_id) FROM devices d WHERE d.user_nid = s.user_nid), n.name "
        "  FROM memberships here "
        "  JOIN device_list_changes c ON c.user_nid = here.user_nid AND c.position >= $2 AND NOT c.only_own "
        "  JOIN users s ON s.user_nid = here.user_nid "
        " CROSS JOIN (SELECT unnest($3::text[]) COLLATE \"C\" AS name, true AS is_here "
        "              UNION ALL SELECT unnest($4::text[]), false) AS n "
        " WHERE here.room_nid = $1 AND here.membership = 2 AND here.is_local "
        "   AND (n.is_here "
        "        OR " MEETS("here.user_nid", "= 2") ") "
        " GROUP BY s.user_nid, s.user_id, n.name "
        " ORDER BY s.user_id, n.name"},

    [LOST] = {"federation_lost_servers_load",
        "SELECT max(c.position), s.user_id, "
        "       (SELECT min(d.device_id) FROM devices d WHERE d.user_nid = s.user_nid), n.name "
        "  FROM users s "
        "  JOIN device_list_changes c ON c.user_nid = s.user_nid AND NOT c.only_own "
        " CROSS JOIN unnest($2::text[]) AS n (name) "
        " WHERE s.user_nid = $1 AND " MEETS("s.user_nid", "> 0") " AND NOT " MEETS("s.user_nid", "= 2")
        " GROUP BY s.user_nid, s.user_id, n.name "
        " ORDER BY n.name"},
};
STATEMENT_TABLE(federation_queues, statements);
/* clang-format on */

enum errcode federation_sender_lock(struct db *db, struct arena *arena, bool *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOCK], NO_PARAMS, &rows));
    *out = rows_count(rows) == 1 && rows_bool(rows, 0, 0);
    return OK;
}

static void read_queues(struct db_rows *rows, struct arena *arena, struct federation_queue **out,
                        size_t *count_out)
{
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct federation_queue);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct federation_queue){
            .origin = rows_text(rows, i, 0),
            .server_name = rows_text(rows, i, 1),
            .sent_position = rows_int(rows, i, 2),
            .wanted_position = rows_int(rows, i, 3),
        };
}

enum errcode federation_scan_position(struct db *db, struct arena *arena, int64_t *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[SCANNED], NO_PARAMS, &rows));
    *out = rows_int(rows, 0, 0);
    return OK;
}

static enum errcode concerns_others(struct db *db, struct arena *arena, struct db_params range,
                                    bool *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[PROBE], range, &rows));
    *out = rows_bool(rows, 0, 0);
    return OK;
}

static enum errcode scan(struct db *db, struct arena *arena, const struct federation_scan *what,
                         struct db_rows **out)
{
    SCOPED(db_transaction_end) struct db *tx = NULL;

    TRY(db_begin(db, &tx));
    TRY(db_query(tx, arena, &statements[SCAN],
                 PARAMS(INT(what->after), INT(what->until),
                        TEXT_ARRAY(what->hosted, what->hosted_count), INT(what->now_ms)),
                 out));
    TRY(db_execute(tx, &statements[SET_SCANNED], PARAMS(INT(what->until)), NULL));
    return db_commit(&tx);
}

enum errcode federation_queues_scan(struct db *db, struct arena *arena,
                                    const struct federation_scan *what,
                                    struct federation_queue **out, size_t *count_out)
{
    const struct db_params range =
        PARAMS(INT(what->after), INT(what->until), TEXT_ARRAY(what->hosted, what->hosted_count));
    struct db_rows *rows;
    bool concerns;

    *count_out = 0;
    TRY(concerns_others(db, arena, range, &concerns));
    if (!concerns && what->is_saved)
        return db_execute(db, &statements[SET_SCANNED], PARAMS(INT(what->until)), NULL);
    if (!concerns)
        return OK;
    TRY(scan(db, arena, what, &rows));
    read_queues(rows, arena, out, count_out);
    return OK;
}

enum errcode federation_queues_waiting(struct db *db, struct arena *arena,
                                       struct federation_queue **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[WAITING], NO_PARAMS, &rows));
    read_queues(rows, arena, out, count_out);
    return OK;
}

enum errcode federation_queue_sent(struct db *db, const struct federation_queue *queue,
                                   const struct federation_progress *progress)
{
    TRY(db_execute(db, &statements[OUTBOX_DELETE],
                   PARAMS(TEXT(queue->origin), TEXT(queue->server_name), INT(progress->position)),
                   NULL));
    return db_execute(db, &statements[SENT],
                      PARAMS(TEXT(queue->origin), TEXT(queue->server_name), INT(progress->position),
                             INT(progress->taken_ts), INT(progress->newest_ts)),
                      NULL);
}

static enum errcode load_part(struct db *db, struct arena *arena, int statement,
                              const struct federation_part *part, struct db_rows **out)
{
    return db_query(db, arena, &statements[statement],
                    PARAMS(TEXT(part->queue->origin), TEXT(part->queue->server_name),
                           INT(part->after), INT(part->until), INT(part->limit)),
                    out);
}

enum errcode federation_pdus_load(struct db *db, struct arena *arena,
                                  const struct federation_part *part, struct federation_pdu **out,
                                  size_t *count_out)
{
    struct db_rows *rows;

    TRY(load_part(db, arena, PDUS, part, &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct federation_pdu);
    for (size_t i = 0; i < *count_out; i++) {
        (*out)[i].position = rows_int(rows, i, 0);
        (*out)[i].json = rows_bytes(rows, i, 1, &(*out)[i].json_size);
        (*out)[i].origin_server_ts = rows_int(rows, i, 2);
    }
    return OK;
}

enum errcode federation_outbox_load(struct db *db, struct arena *arena,
                                    const struct federation_part *part, struct federation_edu **out,
                                    size_t *count_out)
{
    struct db_rows *rows;

    TRY(load_part(db, arena, OUTBOX, part, &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct federation_edu);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct federation_edu){rows_int(rows, i, 0), rows_text(rows, i, 1)};
    return OK;
}

static void read_device_change(struct db_rows *rows, size_t i, struct federation_device_change *out)
{
    *out = (struct federation_device_change){
        .position = rows_int(rows, i, 0),
        .user_id = rows_text(rows, i, 1),
        .device_id = rows_is_null(rows, i, 2) ? "" : rows_text(rows, i, 2),
    };
}

enum errcode federation_device_changes_load(struct db *db, struct arena *arena,
                                            const struct federation_part *part,
                                            struct federation_device_change **out,
                                            size_t *count_out)
{
    struct db_rows *rows;

    TRY(load_part(db, arena, DEVICES, part, &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct federation_device_change);
    for (size_t i = 0; i < *count_out; i++)
        read_device_change(rows, i, &(*out)[i]);
    return OK;
}

static void read_missed(struct db_rows *rows, struct arena *arena,
                        struct missed_device_change **out, size_t *count_out)
{
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct missed_device_change);
    for (size_t i = 0; i < *count_out; i++) {
        read_device_change(rows, i, &(*out)[i].change);
        (*out)[i].server_name = rows_text(rows, i, 3);
    }
}

enum errcode federation_missed_changes_load(struct db *db, struct arena *arena,
                                            const struct missed_changes_query *query,
                                            struct missed_device_change **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[MISSED],
                 PARAMS(INT(query->room_nid), INT(query->since),
                        TEXT_ARRAY(query->here, query->here_count),
                        TEXT_ARRAY(query->gone, query->gone_count)),
                 &rows));
    read_missed(rows, arena, out, count_out);
    return OK;
}

enum errcode federation_lost_servers_load(struct db *db, struct arena *arena,
                                          const struct lost_servers_query *query,
                                          struct missed_device_change **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOST],
                 PARAMS(INT(query->user_nid), TEXT_ARRAY(query->servers, query->server_count)),
                 &rows));
    read_missed(rows, arena, out, count_out);
    return OK;
}

enum errcode federation_receipts_load(struct db *db, struct arena *arena,
                                      const struct federation_part *part,
                                      struct federation_receipt **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(load_part(db, arena, RECEIPTS, part, &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct federation_receipt);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct federation_receipt){
            .room_id = rows_text(rows, i, 0),
            .user_id = rows_text(rows, i, 1),
            .event_id = rows_text(rows, i, 2),
            .thread = rows_text(rows, i, 3),
            .ts = rows_int(rows, i, 4),
        };
    return OK;
}

enum errcode federation_presence_load(struct db *db, struct arena *arena,
                                      const struct federation_part *part, struct presence_row **out,
                                      size_t *count_out)
{
    struct db_rows *rows;

    TRY(load_part(db, arena, PRESENCE, part, &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct presence_row);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct presence_row){
            .user_id = rows_text(rows, i, 0),
            .state = (enum presence_state)rows_int(rows, i, 1),
            .status_msg = rows_text(rows, i, 2),
            .last_active_ts = rows_int(rows, i, 3),
            .currently_active = rows_bool(rows, i, 4),
            .position = rows_int(rows, i, 5),
        };
    return OK;
}

void federation_outbox_add_in(struct journal_entry *entry, const char *origin,
                              const char *server_name, const char *edu)
{
    journal_entry_add(entry, &statements[OUTBOX_ADD],
                      PARAMS(POSITION, TEXT(origin), TEXT(server_name), TEXT(edu)));
}

void federation_forward_in(struct journal_entry *entry, int64_t event_nid, const char *origin)
{
    journal_entry_add(entry, &statements[FORWARD], PARAMS(INT(event_nid), TEXT(origin), POSITION));
}

enum errcode federation_servers_in_room(struct db *db, struct arena *arena, int64_t room_nid,
                                        const char ***out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[SERVERS], PARAMS(INT(room_nid)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, const char *);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = rows_text(rows, i, 0);
    return OK;
}
