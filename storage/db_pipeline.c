/*
 * Statements sent without waiting for the answers of those before (libpq, "Pipeline Mode").
 * A prepare message travels in the pipeline too; the server skips everything after a failure, so
 * whether a statement is prepared is known only when its result was read.
 */
#include <assert.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "storage/db_session.h"
#include "storage/statements.h"

enum { BEGIN, COMMIT };

static const struct db_statement statements[] = {
    [BEGIN] = {"pipeline_begin", "BEGIN"},
    [COMMIT] = {"pipeline_commit", "COMMIT"},
};
STATEMENT_TABLE(db_pipeline, statements);

enum errcode db_pipeline_begin(struct db *db)
{
    assert(!db->in_pipeline);
    TRY(session_ensure(db));
    arena_reset(db->pipeline);
    memset(&db->queue, 0, sizeof(db->queue));
    if (PQenterPipelineMode(db->connection) == 0)
        return session_lost(db, "(pipeline)");
    db->in_pipeline = true;
    return OK;
}

/* Leaves pipeline mode together with the session: what is half sent can not be taken back. */
static enum errcode pipeline_abandon(struct db *db, enum errcode code)
{
    db->in_pipeline = false;
    db->drop_before_use = true;
    return code;
}

static enum errcode enqueue(struct db *db, const struct db_statement *statement,
                            struct db_params params, struct queued queued)
{
    struct wire_params wire;

    assert(db->in_pipeline);
    enum errcode code = statement_encode(db, statement, params, &wire);
    if (code != OK)
        return pipeline_abandon(db, code);
    struct prepared *prepared = statement_find(db, statement, &wire);
    if (!prepared->is_ready) {
        if (!statement_send_prepare(db, prepared))
            return pipeline_abandon(db, session_lost(db, prepared->name));
        prepared->is_ready = true; /* until its result says otherwise */
        array_push(db->pipeline, &db->queue,
                   ((struct queued){.prepared = prepared, .prepares = true}));
    }
    if (!statement_send_execute(db, prepared, &wire))
        return pipeline_abandon(db, session_lost(db, prepared->name));
    queued.prepared = prepared;
    array_push(db->pipeline, &db->queue, queued);
    return OK;
}

enum errcode db_pipeline_add(struct db *db, const struct db_statement *statement,
                             struct db_params params, int64_t *affected)
{
    return enqueue(db, statement, params, (struct queued){.affected = affected});
}

/* Reads the result of one queued message. After a failure the server skips all others. */
static enum errcode read_queued(struct db *db, const struct queued *item, int64_t deadline_ms)
{
    PGresult *result = NULL, *end = NULL;
    enum errcode code = OK;

    TRY(session_next_result(db, deadline_ms, &result));
    if (result == NULL)
        return session_lost(db, item->prepared->name);
    bool is_done = session_is_success(result);
    if (is_done && !item->prepares && item->affected != NULL)
        *item->affected = statement_affected_rows(result);
    if (!is_done && item->prepares)
        item->prepared->is_ready = false;
    if (!is_done && PQresultStatus(result) != PGRES_PIPELINE_ABORTED)
        code = session_result_failed(db, result, item->prepared->name);
    if (is_done && item->result != NULL)
        *item->result = result;
    else
        PQclear(result);
    if (db->drop_before_use)
        return code;

    TRY(session_next_result(db, deadline_ms, &end));
    assert(end == NULL);
    return code;
}

static enum errcode read_pipeline_end(struct db *db, int64_t deadline_ms)
{
    PGresult *result = NULL;

    TRY(session_next_result(db, deadline_ms, &result));
    bool is_end = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    PQclear(result);
    if (!is_end || PQexitPipelineMode(db->connection) == 0)
        return session_lost(db, "(pipeline)");
    db->in_pipeline = false;
    return OK;
}

enum errcode db_pipeline_sync(struct db *db)
{
    enum errcode outcome = OK;
    int64_t deadline_ms = session_deadline(ANSWER_WAIT_MS), started_us = clock_monotonic_us();

    assert(db->in_pipeline || db->drop_before_use);
    if (!db->in_pipeline)
        return E_UNAVAILABLE; /* lost while it was filled */
    if (PQpipelineSync(db->connection) == 0)
        return pipeline_abandon(db, session_lost(db, "(pipeline)"));
    for (size_t i = 0; i < db->queue.count; i++) {
        enum errcode code = read_queued(db, &db->queue.items[i], deadline_ms);
        if (outcome == OK)
            outcome = code;
        if (db->drop_before_use)
            return pipeline_abandon(db, outcome);
    }
    enum errcode code = read_pipeline_end(db, deadline_ms);
    if (code != OK)
        return pipeline_abandon(db, outcome != OK ? outcome : code);
    metric_observe_us(statement_duration(db->pipeline, "pipeline"),
                      clock_monotonic_us() - started_us);
    return outcome;
}

enum errcode db_begin_with(struct db *db, struct arena *arena, const struct db_statement *statement,
                           struct db_params params, struct db **tx_out, struct db_rows **out)
{
    PGresult *result = NULL;

    assert(!db->in_transaction);
    TRY(db_pipeline_begin(db));
    session_forget_failure(db);
    db->in_transaction = true;
    db->transaction_failure = OK;
    *tx_out = db; /* whatever happens from here on, leaving the scope ends it */
    enum errcode queued = enqueue(db, &statements[BEGIN], NO_PARAMS, (struct queued){0});
    if (queued == OK)
        queued = enqueue(db, statement, params, (struct queued){.result = &result});
    enum errcode ran = db_pipeline_sync(db);
    if (result != NULL)
        *out = rows_create(arena, result);
    TRY(queued);
    return ran;
}

enum errcode db_pipeline_commit(struct db **tx)
{
    struct db *db = *tx;

    assert(db->in_transaction);
    enum errcode queued = enqueue(db, &statements[COMMIT], NO_PARAMS, (struct queued){0});
    /* After a failure the server skips COMMIT as well, so that success is never a ROLLBACK. */
    enum errcode ran = db_pipeline_sync(db);
    TRY(queued);
    TRY(ran);
    db->in_transaction = false;
    *tx = NULL;
    return OK;
}
