#ifndef STORAGE_DB_H
#define STORAGE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

/*
 * One PostgreSQL connection, its prepared statements, parameters and rows. A connection belongs to
 * one thread at a time. Statements are prepared on first use per connection. Parameters and results
 * travel in binary, so bytea costs nothing extra.
 *
 * Errors: M_* never. E_UNAVAILABLE when the database can not be reached or refuses work for now
 * (the connection reconnects by itself at the next call); E_DATABASE when the statement is wrong.
 * A unique violation (23505) is E_CONFLICT; a serialization failure or deadlock is E_CONFLICT too:
 * repeat the whole transaction (db_transaction.h does).
 */
struct db;
struct arena;

/* `name` is unique in the program: it is the name of the prepared statement and the metrics label.
 */
struct db_statement {
    const char *name;
    const char *sql;
};

enum db_param_kind {
    DB_TEXT,       /* text */
    DB_INT,        /* bigint; assigned to smallint and integer columns too */
    DB_BOOL,       /* boolean */
    DB_DOUBLE,     /* double precision */
    DB_BYTES,      /* bytea */
    DB_TEXT_ARRAY, /* text[]; NULL items are allowed */
    DB_INT_ARRAY,  /* bigint[] */
    DB_BOOL_ARRAY, /* boolean[] */
    DB_BYTES_ARRAY /* bytea[] */
};

/* Make them with the macros below. Everything is borrowed until the call returns. */
struct db_param {
    enum db_param_kind kind;
    bool is_null;
    int64_t number;      /* DB_INT, DB_BOOL */
    double real;         /* DB_DOUBLE */
    const void *data;    /* DB_TEXT: char *; DB_BYTES: bytes; arrays: the first item */
    size_t size;         /* DB_BYTES: bytes; arrays: items */
    const size_t *sizes; /* DB_BYTES_ARRAY: bytes of each item */
};

#define TEXT(s)   ((struct db_param){.kind = DB_TEXT, .data = (s), .is_null = (s) == NULL})
#define INT(i)    ((struct db_param){.kind = DB_INT, .number = (int64_t)(i)})
#define BOOL(b)   ((struct db_param){.kind = DB_BOOL, .number = (b) ? 1 : 0})
#define DOUBLE(d) ((struct db_param){.kind = DB_DOUBLE, .real = (d)})
#define BYTES(p, n)                                                                                \
    ((struct db_param){.kind = DB_BYTES, .data = (p), .size = (n), .is_null = (p) == NULL})
#define NULL_TEXT   ((struct db_param){.kind = DB_TEXT, .is_null = true})
#define NULL_INT    ((struct db_param){.kind = DB_INT, .is_null = true})
#define NULL_DOUBLE ((struct db_param){.kind = DB_DOUBLE, .is_null = true})
#define TEXT_ARRAY(p, n)                                                                           \
    ((struct db_param){.kind = DB_TEXT_ARRAY, .data = (p), .size = (n)}) /* const char *const * */
#define INT_ARRAY(p, n)                                                                            \
    ((struct db_param){.kind = DB_INT_ARRAY, .data = (p), .size = (n)}) /* const int64_t * */
#define BOOL_ARRAY(p, n)                                                                           \
    ((struct db_param){.kind = DB_BOOL_ARRAY, .data = (p), .size = (n)}) /* const bool * */
#define BYTES_ARRAY(p, z, n)                                                                       \
    ((struct db_param){                                                                            \
        .kind = DB_BYTES_ARRAY, .data = (p), .sizes = (z), .size = (n)}) /* const void *const * */

struct db_params {
    const struct db_param *items;
    size_t count;
};

#define PARAMS(...)                                                                                \
    ((struct db_params){(const struct db_param[]){__VA_ARGS__},                                    \
                        sizeof((const struct db_param[]){__VA_ARGS__}) / sizeof(struct db_param)})
#define NO_PARAMS ((struct db_params){NULL, 0})

/* `conninfo` as libpq takes it (a URI or key=value). Connects lazily, never fails. */
struct db *db_create(const char *conninfo);
/* One for threads that must not wait: all calls are E_UNAVAILABLE, and db_was_missed() tells
 * whether there was any since it was last asked. */
struct db *db_create_absent(void);
bool db_is_absent(const struct db *db);
bool db_was_missed(struct db *db);
/* Commands (a literal) for every session of this connection; before it is used for the first time.
 */
void db_set_session(struct db *db, const char *commands);
/* For who reads forward from where it was: the plan without values can not know that little has
 * come since, and reads all. */
#define DB_PLANS_BY_VALUES "SET plan_cache_mode = auto;"
void db_destroy(struct db *db);

/* Runs a statement that returns rows; they live as long as `arena`. */
struct db_rows;
enum errcode db_query(struct db *db, struct arena *arena, const struct db_statement *statement,
                      struct db_params params, struct db_rows **out) MUST_CHECK;

/* Runs a statement for its effect. `affected_out` (rows touched) may be NULL. */
enum errcode db_execute(struct db *db, const struct db_statement *statement,
                        struct db_params params, int64_t *affected_out) MUST_CHECK;

size_t rows_count(const struct db_rows *rows);
bool rows_is_null(const struct db_rows *rows, size_t row, int column);
/* NULL for SQL NULL; otherwise NUL-terminated, borrowed from the rows. */
const char *rows_text(const struct db_rows *rows, size_t row, int column);
/* 0 for SQL NULL. smallint, integer and bigint. */
int64_t rows_int(const struct db_rows *rows, size_t row, int column);
bool rows_bool(const struct db_rows *rows, size_t row, int column);
double rows_double(const struct db_rows *rows, size_t row, int column);
/* NULL for SQL NULL; the bytes are borrowed from the rows and followed by a NUL. */
const void *rows_bytes(const struct db_rows *rows, size_t row, int column, size_t *size_out);
/* bigint[] without NULLs, copied to the arena; NULL array gives count 0. */
const int64_t *rows_int_array(const struct db_rows *rows, size_t row, int column,
                              struct arena *arena, size_t *count_out);
/* text[] with NULL items as NULL, copied to the arena; NULL array gives count 0. */
const char **rows_text_array(const struct db_rows *rows, size_t row, int column,
                             struct arena *arena, size_t *count_out);

/*
 * Transactions:
 *
 *     SCOPED(db_transaction_end) struct db *tx = NULL;
 *     TRY(db_begin(db, &tx));
 *     TRY(…(tx, …));
 *     return db_commit(&tx);
 *
 * `tx` is the same connection; leaving the scope without a commit rolls back. They do not nest.
 */
enum errcode db_begin(struct db *db, struct db **tx_out) MUST_CHECK;
enum errcode db_commit(struct db **tx) MUST_CHECK;
void db_transaction_end(struct db **tx);

/* Pipelining, for the journal: statements queue up without waiting; db_pipeline_sync() sends them,
 * reads every result and returns the first error. `affected` (may be NULL) is written by sync. A
 * failed add has ended the pipeline: then sync is E_UNAVAILABLE and sends nothing. */
enum errcode db_pipeline_begin(struct db *db) MUST_CHECK;
enum errcode db_pipeline_add(struct db *db, const struct db_statement *statement,
                             struct db_params params, int64_t *affected) MUST_CHECK;
enum errcode db_pipeline_sync(struct db *db) MUST_CHECK;

/* A transaction in two trips to the server. The first begins it and runs a statement that returns
 * rows; leave its scope as after db_begin(). The second is a pipeline that ends with
 * db_pipeline_commit() instead of db_pipeline_sync(): it commits unless a statement failed, and
 * only then `*tx` is NULL. */
enum errcode db_begin_with(struct db *db, struct arena *arena, const struct db_statement *statement,
                           struct db_params params, struct db **tx_out,
                           struct db_rows **out) MUST_CHECK;
enum errcode db_pipeline_commit(struct db **tx) MUST_CHECK;

/* Runs SQL text that may hold several statements: for migrations only. */
enum errcode db_run_script(struct db *db, const char *sql, struct error *error) MUST_CHECK;

/* The SQLSTATE and message of the last failure on this connection, or in this transaction; "" when
 * there was none. */
const char *db_last_sqlstate(const struct db *db);
const char *db_last_message(const struct db *db);

/* Statements run on this connection since it was created: cost models are checked by counting. */
int64_t db_statements_run(const struct db *db);

/* LISTEN: the socket to poll, or -1 when not connected; db_take_notification returns the payload
 * on the arena, or NULL when there is none. */
int db_socket(struct db *db);
const char *db_take_notification(struct db *db, struct arena *arena);

#endif
