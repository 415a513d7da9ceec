/*
 * One PostgreSQL session (libpq, manual chapter "libpq"). libpq runs in non-blocking mode so that
 * every wait has a deadline: a database that hangs costs one request its answer, never a thread.
 */
#include "storage/db_session.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/map.h"
#include "storage/db_sqlstate.h"

/* Run once per session. Times are chosen so that a stuck request frees its locks before clients
 * lose patience. jit only costs time with statements as short as ours; so does planning each of
 * them five times again for its values before the plan without values is taken (a fifth of the CPU
 * of the first syncs after a start). tests/storage/test_query_plans.c looks at the plans without
 * values. */
static const char session_settings[] = "SET statement_timeout = '30s';"
                                       "SET idle_in_transaction_session_timeout = '60s';"
                                       "SET default_transaction_isolation = 'read committed';"
                                       "SET timezone = 'UTC';"
                                       "SET jit = off;"
                                       "SET plan_cache_mode = force_generic_plan;";

/* One warning when the database goes away and one line when it is back, not one per connection. */
static atomic_bool database_is_down;

void session_close(struct db *db)
{
    PQfinish(db->connection);
    db->connection = NULL;
    db->drop_before_use = false;
    db->in_pipeline = false;
}

static void remember_failure(struct db *db, const char *sqlstate, const char *message)
{
    int length = (int)strcspn(message, "\n");

    snprintf(db->sqlstate, sizeof(db->sqlstate), "%s", sqlstate);
    snprintf(db->message, sizeof(db->message), "%.*s", length, message);
}

void session_forget_failure(struct db *db)
{
    remember_failure(db, "", "");
}

enum errcode session_failed(struct db *db, const char *sqlstate, const char *message,
                            const char *name)
{
    struct sqlstate_meaning meaning = sqlstate_meaning(sqlstate);

    remember_failure(db, sqlstate, message);
    if (meaning.drops_connection || PQstatus(db->connection) != CONNECTION_OK)
        db->drop_before_use = true;
    if (db->in_transaction && db->transaction_failure == OK)
        db->transaction_failure = meaning.code;
    if (meaning.code == E_DATABASE)
        log_error(LOG_DATABASE, "statement %s failed with SQLSTATE %s: %s", name, db->sqlstate,
                  db->message);
    else
        log_debug(LOG_DATABASE, "statement %s: SQLSTATE %s: %s", name, db->sqlstate, db->message);
    return meaning.code;
}

enum errcode session_lost(struct db *db, const char *name)
{
    db->drop_before_use = true;
    return session_failed(db, "08006", PQerrorMessage(db->connection), name);
}

enum errcode session_result_failed(struct db *db, const PGresult *result, const char *name)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    /* Without a SQLSTATE the error comes from libpq itself: the connection broke. */
    if (sqlstate == NULL)
        return session_lost(db, name);
    return session_failed(db, sqlstate, message != NULL ? message : "", name);
}

int64_t session_deadline(int64_t wait_ms)
{
    return wait_ms == WAIT_FOREVER ? INT64_MAX : clock_monotonic_ms() + wait_ms;
}

/* Polls the socket; false when the deadline has passed. */
static bool wait_for_socket(struct db *db, short events, int64_t deadline_ms)
{
    struct pollfd poll_fd = {.fd = PQsocket(db->connection), .events = events};

    for (;;) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0)
            return false;
        int ready = poll(&poll_fd, 1, left_ms > 60000 ? 60000 : (int)left_ms);
        if (ready > 0 || (ready < 0 && errno != EINTR))
            return true;
    }
}

/*
 * Sends what is buffered and waits until the next result can be taken without blocking. False when
 * the deadline has passed. A broken connection counts as a result: libpq reports it as one.
 */
static bool await_result(struct db *db, int64_t deadline_ms)
{
    for (;;) {
        int unsent = PQflush(db->connection);
        if (unsent < 0 || !PQisBusy(db->connection))
            return true;
        short events = (short)(unsent > 0 ? POLLIN | POLLOUT : POLLIN);
        if (!wait_for_socket(db, events, deadline_ms))
            return false;
        if (PQconsumeInput(db->connection) == 0)
            return true;
    }
}

enum errcode session_next_result(struct db *db, int64_t deadline_ms, PGresult **out)
{
    *out = NULL;
    if (!await_result(db, deadline_ms)) {
        db->drop_before_use = true;
        return session_failed(db, "08006", "the database did not answer in time", "(waiting)");
    }
    *out = PQgetResult(db->connection);
    return OK;
}

bool session_is_success(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

enum errcode session_read_results(struct db *db, const char *name, int64_t deadline_ms,
                                  PGresult **out)
{
    enum errcode outcome = OK;
    PGresult *last = NULL, *result = NULL;

    do {
        enum errcode code = session_next_result(db, deadline_ms, &result);
        if (code == OK && result != NULL && !session_is_success(result))
            code = session_result_failed(db, result, name);
        if (outcome == OK)
            outcome = code;
        if (result != NULL) {
            PQclear(last);
            last = result;
        }
    } while (result != NULL && !db->drop_before_use);

    if (outcome == OK && last == NULL)
        outcome = session_lost(db, name);
    if (outcome != OK) {
        PQclear(last);
        return outcome;
    }
    *out = last;
    return OK;
}

enum errcode session_run_text(struct db *db, const char *sql, const char *name, int64_t wait_ms,
                              PGresult **out)
{
    if (PQsendQuery(db->connection, sql) == 0)
        return session_lost(db, name);
    return session_read_results(db, name, session_deadline(wait_ms), out);
}

enum errcode session_run_command(struct db *db, const char *sql, int64_t wait_ms)
{
    PGresult *result = NULL;

    TRY(session_run_text(db, sql, sql, wait_ms, &result));
    PQclear(result);
    return OK;
}

static void ignore_notice(void *context UNUSED, const PGresult *result)
{
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    log_debug(LOG_DATABASE, "notice: %s", text != NULL ? text : "");
}

/* Ours first, so that the administrator's conninfo wins. */
static PGconn *open_connection(const char *conninfo)
{
    static const char *const keywords[] = {"fallback_application_name",
                                           "client_encoding",
                                           "connect_timeout",
                                           "keepalives_idle",
                                           "keepalives_interval",
                                           "keepalives_count",
                                           "tcp_user_timeout",
                                           "target_session_attrs",
                                           "dbname",
                                           NULL};
    const char *const values[] = {"beffroi", "UTF8",  "5",          "30",     "10",
                                  "3",       "30000", "read-write", conninfo, NULL};

    return PQconnectdbParams(keywords, values, 1);
}

static enum errcode connect_failed(struct db *db, int64_t started_ms)
{
    int64_t now_ms = clock_monotonic_ms();

    remember_failure(db, "08001", PQerrorMessage(db->connection));
    session_close(db);
    /* An attempt that took long is not repeated for as long as it took: callers fail quickly. */
    db->retry_at_ms = now_ms + (now_ms - started_ms);
    if (!atomic_exchange(&database_is_down, true))
        log_warn(LOG_DATABASE, "the database can not be reached: %s", db->message);
    return E_UNAVAILABLE;
}

static enum errcode connect_now(struct db *db)
{
    int64_t started_ms = clock_monotonic_ms();

    if (started_ms < db->retry_at_ms)
        return E_UNAVAILABLE;
    arena_reset(db->session);
    db->prepared = map_create(db->session);
    db->connection = open_connection(db->conninfo);
    if (PQstatus(db->connection) != CONNECTION_OK || PQsetnonblocking(db->connection, 1) != 0)
        return connect_failed(db, started_ms);
    PQsetNoticeReceiver(db->connection, ignore_notice, NULL);
    TRY(session_run_command(db, session_settings, ANSWER_WAIT_MS));
    if (db->commands != NULL)
        TRY(session_run_command(db, db->commands, ANSWER_WAIT_MS));
    if (atomic_exchange(&database_is_down, false))
        log_info(LOG_DATABASE, "the database is reachable again");
    return OK;
}

/* Between transactions a closed connection is noticed before anything is sent on it, so that a
 * restart of the database costs no request. */
bool session_is_alive(struct db *db)
{
    struct pollfd poll_fd = {.fd = PQsocket(db->connection), .events = POLLIN};

    /* The server's farewell comes first, the end of the stream behind it. */
    while (PQstatus(db->connection) == CONNECTION_OK && poll(&poll_fd, 1, 0) > 0) {
        if (PQconsumeInput(db->connection) == 0)
            return false;
    }
    return PQstatus(db->connection) == CONNECTION_OK;
}

enum errcode session_ensure(struct db *db)
{
    if (db_is_absent(db)) {
        db->was_missed = true;
        return E_UNAVAILABLE;
    }
    if (db->in_transaction) {
        if (db->drop_before_use)
            return E_UNAVAILABLE;
        return OK;
    }
    if (db->connection != NULL && !db->drop_before_use && session_is_alive(db))
        return OK;
    session_close(db);
    return connect_now(db);
}
