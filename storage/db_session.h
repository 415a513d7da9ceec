#ifndef STORAGE_DB_SESSION_H
#define STORAGE_DB_SESSION_H

#include <libpq-fe.h>

#include "homeserver/base/array.h"
#include "homeserver/base/metrics.h"
#include "storage/db.h"
#include "storage/db_wire.h"

/*
 * Private to db.c, db_session.c and db_pipeline.c: the connection itself, waiting for its answers
 * and recording its failures.
 */

enum {
    SQLSTATE_CHARS = 5,
    MESSAGE_BYTES = 512,
    ANSWER_WAIT_MS = 40 * 1000, /* longer than statement_timeout: the server gives up first */
    WAIT_FOREVER = -1
};

/* A statement as it stands prepared in the session. */
struct prepared {
    const char *name;
    const char *sql;
    Oid *types;
    int type_count;
    bool is_ready;
    struct metric_histogram *duration;
};

/* A message of the pipeline whose result is not read yet. */
struct queued {
    struct prepared *prepared;
    bool prepares; /* Parse, not Execute */
    int64_t *affected;
    PGresult **result; /* NULL: not wanted */
};

struct db {
    char *conninfo; /* NULL: db_create_absent() */
    bool was_missed;
    const char *commands;   /* for every session; NULL: none */
    PGconn *connection;     /* NULL: not connected */
    bool drop_before_use;   /* the session is dead or of no use */
    int64_t retry_at_ms;    /* monotonic: no attempt to connect before */
    struct arena *session;  /* lives as long as the connection */
    struct map *prepared;   /* name -> struct prepared */
    struct arena *scratch;  /* encoded parameters of the statement being sent */
    struct arena *pipeline; /* lives from pipeline_begin to pipeline_sync */
    ARRAY_OF(struct queued) queue;
    bool in_pipeline;
    bool in_transaction;
    enum errcode transaction_failure; /* the first one since BEGIN */
    int64_t statements_run;
    char sqlstate[SQLSTATE_CHARS + 1];
    char message[MESSAGE_BYTES];
};

/* Makes the session usable: connects when needed. Inside a transaction a lost session stays lost,
 * because the transaction must not continue on another one. */
enum errcode session_ensure(struct db *db) MUST_CHECK;

/* False when the server has closed the connection. Reads what is there (notifications). */
bool session_is_alive(struct db *db);
void session_close(struct db *db);

/* Records a failure, decides what becomes of the session and returns the code. `name` names the
 * statement in the log. */
enum errcode session_failed(struct db *db, const char *sqlstate, const char *message,
                            const char *name);
/* The same with libpq's own message: the connection is broken. */
enum errcode session_lost(struct db *db, const char *name);
enum errcode session_result_failed(struct db *db, const PGresult *result, const char *name);
void session_forget_failure(struct db *db);

/* Monotonic milliseconds, for the calls below. */
int64_t session_deadline(int64_t wait_ms);

bool session_is_success(const PGresult *result);

/* The next result of what was sent; NULL at the end of a statement. */
enum errcode session_next_result(struct db *db, int64_t deadline_ms, PGresult **out) MUST_CHECK;

/* Reads all results of what was sent; the last one is the caller's when all succeeded. */
enum errcode session_read_results(struct db *db, const char *name, int64_t deadline_ms,
                                  PGresult **out) MUST_CHECK;

/* Runs SQL text without parameters. */
enum errcode session_run_text(struct db *db, const char *sql, const char *name, int64_t wait_ms,
                              PGresult **out) MUST_CHECK;
enum errcode session_run_command(struct db *db, const char *sql, int64_t wait_ms) MUST_CHECK;

/* Encodes parameters into the scratch arena, which is valid until the next call. */
enum errcode statement_encode(struct db *db, const struct db_statement *statement,
                              struct db_params params, struct wire_params *out) MUST_CHECK;

/* The session's entry for a statement. One name always means one SQL text and one list of
 * parameter types: anything else is a mistake in our statement tables. */
struct prepared *statement_find(struct db *db, const struct db_statement *statement,
                                const struct wire_params *wire);

bool statement_send_prepare(struct db *db, const struct prepared *prepared);
bool statement_send_execute(struct db *db, const struct prepared *prepared,
                            const struct wire_params *wire);
int64_t statement_affected_rows(PGresult *result);

/* How long the database takes, by name of the statement. */
struct metric_histogram *statement_duration(struct arena *arena, const char *name);

#endif
