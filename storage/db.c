/*
 * Statements, transactions and scripts on one PostgreSQL session. Connecting is lazy, statements
 * are prepared on first use, parameters and results are binary.
 */
#include "storage/db.h"

#include <assert.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/map.h"
#include "storage/db_session.h"

enum {
    STATEMENT_NAME_CHARS_MAX = 63, /* PostgreSQL cuts longer names, and two could become one */
    ROLLBACK_WAIT_MS = 5 * 1000
};

struct db *db_create_absent(void)
{
    struct db *db = calloc(1, sizeof(*db));

    if (db == NULL)
        abort();
    return db;
}

bool db_is_absent(const struct db *db)
{
    return db->conninfo == NULL;
}

bool db_was_missed(struct db *db)
{
    bool was_missed = db->was_missed;

    db->was_missed = false;
    return was_missed;
}

struct db *db_create(const char *conninfo)
{
    struct db *db = db_create_absent();

    if ((db->conninfo = strdup(conninfo)) == NULL)
        abort();
    db->session = arena_create();
    db->scratch = arena_create();
    db->pipeline = arena_create();
    return db;
}

void db_set_session(struct db *db, const char *commands)
{
    db->commands = commands;
}

void db_destroy(struct db *db)
{
    if (db == NULL)
        return;
    session_close(db);
    arena_destroy(db->session);
    arena_destroy(db->scratch);
    arena_destroy(db->pipeline);
    free(db->conninfo);
    free(db);
}

struct metric_histogram *statement_duration(struct arena *arena, const char *name)
{
    return metrics_histogram("beffroi_database_statement_seconds",
                             "Time from sending a statement to its last row.",
                             arena_printf(arena, "statement=\"%s\"", name));
}

static struct prepared *prepared_create(struct db *db, const struct db_statement *statement,
                                        const struct wire_params *wire)
{
    struct prepared *prepared = ARENA_NEW(db->session, struct prepared);

    assert(strlen(statement->name) <= STATEMENT_NAME_CHARS_MAX);
    prepared->name = arena_strdup(db->session, statement->name);
    prepared->sql = arena_strdup(db->session, statement->sql);
    prepared->type_count = wire->count;
    prepared->types =
        arena_memdup(db->session, wire->types, sizeof(*wire->types) * (size_t)wire->count);
    prepared->duration = statement_duration(db->session, prepared->name);
    map_set(db->prepared, prepared->name, prepared);
    return prepared;
}

static bool has_same_types(const struct prepared *prepared, const struct wire_params *wire)
{
    for (int i = 0; i < wire->count; i++) {
        if (prepared->types[i] != wire->types[i])
            return false;
    }
    return true;
}

struct prepared *statement_find(struct db *db, const struct db_statement *statement,
                                const struct wire_params *wire)
{
    struct prepared *prepared = map_get(db->prepared, statement->name);

    if (prepared == NULL)
        return prepared_create(db, statement, wire);
    assert(strcmp(prepared->sql, statement->sql) == 0);
    assert(prepared->type_count == wire->count);
    assert(has_same_types(prepared, wire));
    return prepared;
}

bool statement_send_prepare(struct db *db, const struct prepared *prepared)
{
    return PQsendPrepare(db->connection, prepared->name, prepared->sql, prepared->type_count,
                         prepared->types) != 0;
}

static enum errcode prepare(struct db *db, struct prepared *prepared)
{
    PGresult *result = NULL;

    if (!statement_send_prepare(db, prepared))
        return session_lost(db, prepared->name);
    TRY(session_read_results(db, prepared->name, session_deadline(ANSWER_WAIT_MS), &result));
    PQclear(result);
    prepared->is_ready = true;
    return OK;
}

bool statement_send_execute(struct db *db, const struct prepared *prepared,
                            const struct wire_params *wire)
{
    db->statements_run++;
    return PQsendQueryPrepared(db->connection, prepared->name, wire->count, wire->values,
                               wire->lengths, wire->formats, 1) != 0;
}

enum errcode statement_encode(struct db *db, const struct db_statement *statement,
                              struct db_params params, struct wire_params *out)
{
    arena_reset(db->scratch);
    if (!wire_params_encode(db->scratch, params, out))
        return session_failed(db, "54000", "a parameter is larger than PostgreSQL allows",
                              statement->name);
    return OK;
}

static enum errcode run(struct db *db, const struct db_statement *statement,
                        struct db_params params, PGresult **out)
{
    struct wire_params wire;

    assert(!db->in_pipeline);
    TRY(session_ensure(db));
    TRY(statement_encode(db, statement, params, &wire));
    struct prepared *prepared = statement_find(db, statement, &wire);
    if (!prepared->is_ready)
        TRY(prepare(db, prepared));
    int64_t started_us = clock_monotonic_us();
    if (!statement_send_execute(db, prepared, &wire))
        return session_lost(db, prepared->name);
    enum errcode code =
        session_read_results(db, prepared->name, session_deadline(ANSWER_WAIT_MS), out);
    metric_observe_us(prepared->duration, clock_monotonic_us() - started_us);
    return code;
}

int64_t statement_affected_rows(PGresult *result)
{
    return strtoll(PQcmdTuples(result), NULL, 10);
}

enum errcode db_query(struct db *db, struct arena *arena, const struct db_statement *statement,
                      struct db_params params, struct db_rows **out)
{
    PGresult *result = NULL;

    TRY(run(db, statement, params, &result));
    assert(PQresultStatus(result) == PGRES_TUPLES_OK);
    *out = rows_create(arena, result);
    return OK;
}

enum errcode db_execute(struct db *db, const struct db_statement *statement,
                        struct db_params params, int64_t *affected_out)
{
    PGresult *result = NULL;

    TRY(run(db, statement, params, &result));
    if (affected_out != NULL)
        *affected_out = statement_affected_rows(result);
    PQclear(result);
    return OK;
}

enum errcode db_run_script(struct db *db, const char *sql, struct error *error)
{
    PGresult *result = NULL;

    assert(!db->in_pipeline);
    TRY(session_ensure(db));
    enum errcode code = session_run_text(db, sql, "(script)", WAIT_FOREVER, &result);
    if (code != OK)
        return fail(error, code, "%s (SQLSTATE %s)", db->message, db->sqlstate);
    PQclear(result);
    return OK;
}

enum errcode db_begin(struct db *db, struct db **tx_out)
{
    assert(!db->in_transaction && !db->in_pipeline);
    TRY(session_ensure(db));
    session_forget_failure(db);
    TRY(session_run_command(db, "BEGIN", ANSWER_WAIT_MS));
    db->in_transaction = true;
    db->transaction_failure = OK;
    *tx_out = db;
    return OK;
}

enum errcode db_commit(struct db **tx)
{
    struct db *db = *tx;
    PGresult *result = NULL;

    assert(db != NULL && db->in_transaction && !db->in_pipeline);
    TRY(session_ensure(db));
    enum errcode code = session_run_text(db, "COMMIT", "COMMIT", ANSWER_WAIT_MS, &result);
    if (code == OK) {
        /* PostgreSQL answers COMMIT of a failed transaction with success and the word ROLLBACK. */
        if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
            code = db->transaction_failure != OK ? db->transaction_failure : E_DATABASE;
        PQclear(result);
    }
    db->in_transaction = false;
    *tx = NULL;
    return code;
}

void db_transaction_end(struct db **tx)
{
    struct db *db = *tx;

    if (db == NULL)
        return;
    *tx = NULL;
    db->in_transaction = false;
    /* A pipeline left half-way has results we no longer care for: a new session is simplest. */
    if (db->in_pipeline || db->drop_before_use ||
        session_run_command(db, "ROLLBACK", ROLLBACK_WAIT_MS) != OK)
        session_close(db);
}

const char *db_last_sqlstate(const struct db *db)
{
    return db->sqlstate;
}

const char *db_last_message(const struct db *db)
{
    return db->message;
}

int64_t db_statements_run(const struct db *db)
{
    return db->statements_run;
}

int db_socket(struct db *db)
{
    if (db->connection == NULL || db->drop_before_use)
        return -1;
    return PQsocket(db->connection);
}

const char *db_take_notification(struct db *db, struct arena *arena)
{
    if (db->connection == NULL || db->drop_before_use || !session_is_alive(db)) {
        db->drop_before_use = true;
        return NULL;
    }
    PGnotify *notification = PQnotifies(db->connection);
    if (notification == NULL)
        return NULL;
    const char *payload = arena_strdup(arena, notification->extra);
    PQfreemem(notification);
    return payload;
}
