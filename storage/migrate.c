/*
 * Migrations. Every file runs in one transaction together with the row that records it, so a crash
 * leaves all of it or nothing. The advisory lock is taken inside that transaction: PostgreSQL
 * releases it whatever happens to us.
 */
#include "storage/migrate.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/sha256.h"
#include "migrations/migrations.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { LOCK, LOAD_APPLIED, RECORD };

static const struct db_statement statements[] = {
    /* The number means nothing; it only has to be the same in every version. */
    [LOCK] = {"migrate_lock", "SELECT pg_advisory_xact_lock(4702190116)::text"},

    [LOAD_APPLIED] = {"migrate_load_applied", "SELECT number, name, sha256 "
                                              "  FROM schema_migrations "
                                              " ORDER BY number"},

    [RECORD] = {"migrate_record",
                "INSERT INTO schema_migrations (number, name, sha256, applied_ts) "
                "VALUES ($1, $2, $3, $4)"},
};
STATEMENT_TABLE(migrate, statements);

static const char create_table[] = "CREATE TABLE IF NOT EXISTS schema_migrations ("
                                   "    number integer PRIMARY KEY,"
                                   "    name text NOT NULL,"
                                   "    sha256 text NOT NULL,"
                                   "    applied_ts bigint NOT NULL)";

struct list {
    const struct migration *items;
    size_t count;
};

static const struct migration *find(struct list list, int64_t number)
{
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i].number == number)
            return &list.items[i];
    }
    return NULL;
}

/* A migration may take its time and may wait for another node's. */
static enum errcode begin_locked(struct db *db, struct arena *arena, struct db **tx_out)
{
    struct db_rows *rows;

    TRY(db_begin(db, tx_out));
    TRY(db_run_script(*tx_out,
                      "SET LOCAL statement_timeout = 0;"
                      "SET LOCAL idle_in_transaction_session_timeout = 0",
                      NULL));
    return db_query(*tx_out, arena, &statements[LOCK], NO_PARAMS, &rows);
}

static enum errcode create_bookkeeping(struct db *db, struct arena *arena)
{
    SCOPED(db_transaction_end) struct db *tx = NULL;

    TRY(begin_locked(db, arena, &tx));
    TRY(db_run_script(tx, create_table, NULL));
    return db_commit(&tx);
}

/* What was applied must be what we have: the same numbers with the same contents. */
static enum errcode check_applied(struct list list, const struct db_rows *applied,
                                  struct error *error)
{
    char sha256[SHA256_HEX_CHARS + 1];

    for (size_t i = 0; i < rows_count(applied); i++) {
        const struct migration *migration = find(list, rows_int(applied, i, 0));
        if (migration == NULL)
            return fail(error, E_SYSTEM,
                        "The database was used by a newer version of beffroi: it has the schema "
                        "step %s, which this version (%s) does not know. Start that version, or "
                        "restore the backup made before the upgrade.",
                        rows_text(applied, i, 1), BEFFROI_VERSION);
        sha256_hex(migration->sql, sha256);
        if (strcmp(sha256, rows_text(applied, i, 2)) != 0)
            return fail(error, E_SYSTEM,
                        "The schema step %s was changed after this database had run it, so nobody "
                        "knows what the schema is. Start the version of beffroi that made the "
                        "database, or restore a backup.",
                        migration->name);
    }
    return OK;
}

static bool is_applied(const struct db_rows *applied, int number)
{
    for (size_t i = 0; i < rows_count(applied); i++) {
        if (rows_int(applied, i, 0) == number)
            return true;
    }
    return false;
}

/* The first one in the list that the database lacks; NULL when there is none. */
static const struct migration *next_migration(struct list list, const struct db_rows *applied)
{
    for (size_t i = 0; i < list.count; i++) {
        if (!is_applied(applied, list.items[i].number))
            return &list.items[i];
    }
    return NULL;
}

static enum errcode record(struct db *tx, const struct migration *migration)
{
    char sha256[SHA256_HEX_CHARS + 1];

    sha256_hex(migration->sql, sha256);
    return db_execute(
        tx, &statements[RECORD],
        PARAMS(INT(migration->number), TEXT(migration->name), TEXT(sha256), INT(clock_wall_ms())),
        NULL);
}

/* Runs the first migration that is missing; `done_out` when none is. */
static enum errcode step(struct db *db, struct arena *arena, struct list list, bool *done_out,
                         struct error *error)
{
    SCOPED(db_transaction_end) struct db *tx = NULL;
    struct db_rows *applied;

    TRY(begin_locked(db, arena, &tx));
    TRY(db_query(tx, arena, &statements[LOAD_APPLIED], NO_PARAMS, &applied));
    TRY(check_applied(list, applied, error));
    const struct migration *migration = next_migration(list, applied);
    *done_out = migration == NULL;
    if (migration != NULL) {
        TRY(db_run_script(tx, migration->sql, NULL));
        TRY(record(tx, migration));
    }
    TRY(db_commit(&tx));
    if (migration != NULL)
        log_info(LOG_DATABASE, "applied the schema step %s", migration->name);
    return OK;
}

static enum errcode run(struct db *db, struct list list, struct error *error)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    bool done = false;

    TRY(create_bookkeeping(db, arena));
    while (!done)
        TRY(step(db, arena, list, &done, error));
    return OK;
}

enum errcode migrate_with(struct db *db, const struct migration *list, size_t count,
                          struct error *error)
{
    struct error reason = {0};
    enum errcode code = run(db, (struct list){list, count}, &reason);

    if (code == OK)
        return OK;
    if (reason.text[0] != '\0')
        return fail(error, code, "%s", reason.text);
    return fail(error, code,
                "The database schema could not be brought up to date: %s (SQLSTATE %s). Nothing is "
                "lost: the step under way was undone and runs again at the next start.",
                db_last_message(db), db_last_sqlstate(db));
}

enum errcode migrate(struct db *db, struct error *error)
{
    return migrate_with(db, migrations, migration_count, error);
}
