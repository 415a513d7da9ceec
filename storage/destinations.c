/* Whether other servers answer, and how much of what concerns them they have been told. */
#include "storage/destinations.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { LOAD, STORE, ASK_RETRY, TO_RETRY, REPORT, COUNT, FIGURES };

/* clang-format off */
/* Events that wait in the queue `q`: those of its domain among the next 5,000 of all rooms, counted by room so that
 * few rooms are asked whether the server is in them. Who was in the room when is left out. */
#define EVENTS_BEHIND                                                                              \
    "(SELECT COALESCE(sum(r.events), 0)::bigint "                                                  \
    "   FROM (SELECT e.room_nid, count(*) AS events "                                              \
    "           FROM (SELECT room_nid, sender_nid, flags FROM events "                             \
    "                  WHERE position > q.sent_position AND position <= q.wanted_position "        \
    "                  ORDER BY position LIMIT 5000) AS e "                                        \
    "           JOIN users s ON s.user_nid = e.sender_nid AND s.is_local "                         \
    "                AND substr(s.user_id, strpos(s.user_id, ':') + 1) = q.origin "                \
    "          WHERE e.flags & 7 = 0 "                                                             \
    "          GROUP BY e.room_nid) AS r "                                                         \
    "  WHERE EXISTS (SELECT FROM users o JOIN memberships m USING (user_nid) "                     \
    "                 WHERE substr(o.user_id, strpos(o.user_id, ':') + 1) = q.server_name "        \
    "                   AND NOT o.is_local AND m.room_nid = r.room_nid AND m.membership = 2) "     \
    "     OR EXISTS (SELECT FROM partial_state_rooms w "                                           \
    "                 WHERE w.room_nid = r.room_nid AND q.server_name = ANY (w.servers) "          \
    "                   AND w.completed_position IS NULL))"

/* $1: a name, $2: a part of it, $3: only those that need a look. */
#define DESTINATIONS                                                                               \
    "  FROM (SELECT server_name FROM destinations UNION SELECT server_name FROM federation_queues) AS n " \
    "  LEFT JOIN destinations d USING (server_name) "                                              \
    " WHERE ($1::text IS NULL OR n.server_name = $1) "                                             \
    "   AND ($2::text IS NULL OR strpos(n.server_name, $2) > 0) "                                  \
    "   AND (NOT $3 OR d.failing_since_ts IS NOT NULL "                                            \
    "        OR EXISTS (SELECT FROM federation_queues q "                                          \
    "                    WHERE q.server_name = n.server_name AND q.sent_position < q.wanted_position)) "

static const struct db_statement statements[] = {
    [LOAD] = {"destination_load",
        "SELECT failing_since_ts, retry_ts, retry_interval_ms FROM destinations WHERE server_name = $1"},

    [STORE] = {"destination_store",
        "INSERT INTO destinations (server_name, failing_since_ts, retry_ts, retry_interval_ms, last_error) "
        "VALUES ($1, NULLIF($2, 0), $3, $4, $5) "
        "    ON CONFLICT (server_name) DO UPDATE "
        "   SET failing_since_ts = EXCLUDED.failing_since_ts, retry_ts = EXCLUDED.retry_ts, "
        "       retry_interval_ms = EXCLUDED.retry_interval_ms, last_error = EXCLUDED.last_error"},

    [ASK_RETRY] = {"destination_ask_retry",
        "UPDATE destinations SET retry_ts = 0, retry_interval_ms = 0 "
        " WHERE server_name = $1 AND failing_since_ts IS NOT NULL"},

    [TO_RETRY] = {"destinations_to_retry",
        "SELECT server_name FROM destinations WHERE failing_since_ts IS NOT NULL AND retry_ts = 0"},

    [REPORT] = {"destinations_report",
        "SELECT p.server_name, p.failing_since_ts, p.retry_ts, p.retry_interval_ms, p.last_error, "
        "       theirs.sent_position, theirs.sent_ts, theirs.is_waiting, theirs.waiting_since_ts, theirs.events "
        "  FROM (SELECT n.server_name, d.failing_since_ts, d.retry_ts, d.retry_interval_ms, d.last_error "
               DESTINATIONS
        "         ORDER BY n.server_name "
        "        OFFSET $4 LIMIT $5) AS p "
        " CROSS JOIN LATERAL "
        "       (SELECT max(q.sent_position) AS sent_position, max(q.sent_ts) AS sent_ts, "
        "               bool_or(q.sent_position < q.wanted_position) AS is_waiting, "
        "               min(q.waiting_since_ts) AS waiting_since_ts, "
        "               sum(CASE WHEN q.sent_position < q.wanted_position THEN " EVENTS_BEHIND " END)::bigint AS events "
        "          FROM federation_queues q WHERE q.server_name = p.server_name) AS theirs "
        " ORDER BY p.server_name"},

    [COUNT] = {"destinations_count", "SELECT count(*) " DESTINATIONS},

    [FIGURES] = {"federation_figures_load",
        "WITH waiting AS MATERIALIZED ( "
        "    SELECT origin, server_name, sent_position, wanted_position, waiting_since_ts "
        "      FROM federation_queues WHERE sent_position < wanted_position "
        "), oldest AS ( "
        "    SELECT * FROM waiting ORDER BY waiting_since_ts LIMIT 20 "
        "), inbox AS MATERIALIZED ( "
        "    SELECT room_id, received_ts FROM federation_inbox ORDER BY inbox_nid LIMIT 100000) "
        "SELECT (SELECT count(*) FROM destinations WHERE failing_since_ts IS NOT NULL), "
        "       (SELECT count(*) FROM waiting), "
        "       (SELECT min(waiting_since_ts) FROM waiting), "
        "       (SELECT sum(" EVENTS_BEHIND ")::bigint FROM oldest q), "
        "       (SELECT count(*) FROM inbox), "
        "       (SELECT count(DISTINCT room_id) FROM inbox), "
        "       (SELECT min(received_ts) FROM inbox)"},
};
STATEMENT_TABLE(destinations, statements);
/* clang-format on */

enum errcode destination_load(struct db *db, struct arena *arena, const char *server_name,
                              struct stored_destination *out)
{
    struct db_rows *rows;

    *out = (struct stored_destination){0};
    TRY(db_query(db, arena, &statements[LOAD], PARAMS(TEXT(server_name)), &rows));
    if (rows_count(rows) > 0)
        *out = (struct stored_destination){
            .failing_since_ts = rows_int(rows, 0, 0),
            .retry_ts = rows_int(rows, 0, 1),
            .retry_interval_ms = rows_int(rows, 0, 2),
        };
    return OK;
}

enum errcode destination_store(struct db *db, const char *server_name,
                               const struct stored_destination *destination, const char *last_error)
{
    return db_execute(db, &statements[STORE],
                      PARAMS(TEXT(server_name), INT(destination->failing_since_ts),
                             INT(destination->retry_ts), INT(destination->retry_interval_ms),
                             TEXT(last_error)),
                      NULL);
}

enum errcode destination_ask_retry(struct db *db, const char *server_name, bool *out)
{
    int64_t changed;

    TRY(db_execute(db, &statements[ASK_RETRY], PARAMS(TEXT(server_name)), &changed));
    *out = changed > 0;
    return OK;
}

enum errcode destinations_to_retry(struct db *db, struct arena *arena, const char ***out,
                                   size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[TO_RETRY], NO_PARAMS, &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, const char *);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = rows_text(rows, i, 0);
    return OK;
}

static void read_report(struct db_rows *rows, size_t i, struct destination_report *out)
{
    *out = (struct destination_report){
        .server_name = rows_text(rows, i, 0),
        .health = {rows_int(rows, i, 1), rows_int(rows, i, 2), rows_int(rows, i, 3)},
        .last_error = rows_text(rows, i, 4),
        .sent_position = rows_int(rows, i, 5),
        .sent_ts = rows_int(rows, i, 6),
        .is_waiting = rows_bool(rows, i, 7),
        .waiting_since_ts = rows_int(rows, i, 8),
        .events_behind = rows_int(rows, i, 9),
    };
}

enum errcode destinations_report(struct db *db, struct arena *arena,
                                 const struct destination_query *query,
                                 struct destination_report **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[REPORT],
                 PARAMS(TEXT(query->name), TEXT(query->contains), BOOL(query->only_failing),
                        INT(query->from), INT(query->limit)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct destination_report);
    for (size_t i = 0; i < *count_out; i++)
        read_report(rows, i, &(*out)[i]);
    return OK;
}

enum errcode destinations_count(struct db *db, struct arena *arena,
                                const struct destination_query *query, int64_t *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[COUNT],
                 PARAMS(TEXT(query->name), TEXT(query->contains), BOOL(query->only_failing)),
                 &rows));
    *out = rows_int(rows, 0, 0);
    return OK;
}

/* The clocks of two processes differ: never less than nothing. */
static int64_t age_ms(const struct db_rows *rows, int column, int64_t now_ms)
{
    int64_t since_ts = rows_int(rows, 0, column);

    return since_ts == 0 || since_ts > now_ms ? 0 : now_ms - since_ts;
}

enum errcode federation_figures_load(struct db *db, struct arena *arena, int64_t now_ms,
                                     struct federation_figures *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[FIGURES], NO_PARAMS, &rows));
    *out = (struct federation_figures){
        .failing = rows_int(rows, 0, 0),
        .outgoing_queues = rows_int(rows, 0, 1),
        .outgoing_age_ms = age_ms(rows, 2, now_ms),
        .outgoing_events = rows_int(rows, 0, 3),
        .incoming_events = rows_int(rows, 0, 4),
        .incoming_rooms = rows_int(rows, 0, 5),
        .incoming_age_ms = age_ms(rows, 6, now_ms),
    };
    return OK;
}
