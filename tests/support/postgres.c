/* Databases for tests, made from a template in the cluster of tests/support/with-postgres. */
#include "tests/support/postgres.h"

#include <stdatomic.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/sha256.h"
#include "homeserver/base/strbuf.h"
#include "migrations/migrations.h"
#include "storage/db.h"
#include "storage/migrate.h"

struct test_database {
    struct arena *arena;
    const char *name;
    const char *conninfo;
    struct db *admin; /* connected to the cluster's own database */
};

static const char *cluster_conninfo(void)
{
    const char *conninfo = getenv("BEFFROI_TEST_POSTGRES");

    if (conninfo == NULL) {
        fprintf(stderr, "Run this test through tests/support/with-postgres.\n");
        exit(2);
    }
    return conninfo;
}

static NORETURN void give_up(const struct db *db, const char *sql)
{
    fprintf(stderr, "%s: %s: %s\n", sql, db_last_sqlstate(db), db_last_message(db));
    abort();
}

void test_sql(struct db *db, const char *sql)
{
    if (db_run_script(db, sql, NULL) != OK)
        give_up(db, sql);
}

static struct db_rows *query(struct db *db, struct arena *arena, const char *sql)
{
    static atomic_int count;
    struct db_rows *rows;
    const struct db_statement statement = {
        arena_printf(arena, "test_%d", atomic_fetch_add(&count, 1)), sql};

    if (db_query(db, arena, &statement, NO_PARAMS, &rows) != OK)
        give_up(db, sql);
    return rows;
}

int64_t test_sql_int(struct db *db, const char *sql)
{
    SCOPED(arena_release) struct arena *arena = arena_create();

    return rows_int(query(db, arena, sql), 0, 0);
}

const char *test_sql_text(struct db *db, struct arena *arena, const char *sql)
{
    return rows_text(query(db, arena, sql), 0, 0);
}

/* The last dbname of a conninfo counts. */
static const char *conninfo_of(struct arena *arena, const char *name)
{
    return arena_printf(arena, "%s dbname=%s", cluster_conninfo(), name);
}

static struct test_database *create_from(const char *template)
{
    static atomic_int count;
    struct arena *arena = arena_create();
    struct test_database *database = ARENA_NEW(arena, struct test_database);

    database->arena = arena;
    database->name = arena_printf(arena, "test_%d_%d", (int)getpid(), atomic_fetch_add(&count, 1));
    database->conninfo = conninfo_of(arena, database->name);
    database->admin = db_create(cluster_conninfo());
    test_sql(database->admin,
             arena_printf(arena, "CREATE DATABASE %s TEMPLATE %s", database->name, template));
    return database;
}

struct test_database *test_database_create_empty(void)
{
    return create_from("template0");
}

/* Test programs of several builds may share the cluster: the name tells their schemas apart. */
static const char *template_name(struct arena *arena)
{
    struct strbuf all;
    char hash[SHA256_HEX_CHARS + 1];

    strbuf_init(&all, 0);
    for (size_t i = 0; i < migration_count; i++)
        strbuf_add_string(&all, migrations[i].sql);
    sha256_hex(all.data, hash);
    strbuf_finish(&all);
    return arena_printf(arena, "template_%.16s", hash);
}

static void migrate_database(struct arena *arena, const char *name)
{
    struct db *db = db_create(conninfo_of(arena, name));
    struct error error = {0};

    if (migrate(db, &error) != OK) {
        fprintf(stderr, "%s\n", error.text);
        abort();
    }
    db_destroy(db);
}

/* Makes the template unless another test program has done so. Under its final name it is complete.
 */
static void ensure_template(struct arena *arena, const char *name)
{
    struct db *admin = db_create(cluster_conninfo());
    const char *exists =
        arena_printf(arena, "SELECT count(*) FROM pg_database WHERE datname = '%s'", name);

    test_sql(admin, "SET statement_timeout = 0; SELECT pg_advisory_lock(1)");
    if (test_sql_int(admin, exists) == 0) {
        const char *draft = arena_printf(arena, "draft_%d", (int)getpid());
        test_sql(admin, arena_printf(arena, "CREATE DATABASE %s TEMPLATE template0", draft));
        migrate_database(arena, draft);
        test_sql(admin, arena_printf(arena, "ALTER DATABASE %s RENAME TO %s", draft, name));
    }
    db_destroy(admin);
}

struct test_database *test_database_create(void)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *template = template_name(arena);

    ensure_template(arena, template);
    return create_from(template);
}

const char *test_database_conninfo(const struct test_database *database)
{
    return database->conninfo;
}

void test_database_destroy(struct test_database *database)
{
    if (database == NULL)
        return;
    test_sql(database->admin,
             arena_printf(database->arena, "DROP DATABASE %s WITH (FORCE)", database->name));
    db_destroy(database->admin);
    arena_destroy(database->arena);
}

void test_database_terminate_backends(struct test_database *database)
{
    test_sql(database->admin, arena_printf(database->arena,
                                           "SELECT pg_terminate_backend(pid, 5000) "
                                           "  FROM pg_stat_activity "
                                           " WHERE datname = '%s'",
                                           database->name));
}

static int set_up(void **state, struct test_database *database)
{
    struct storage_fixture *fixture = calloc(1, sizeof(*fixture));

    if (fixture == NULL)
        abort();
    fixture->database = database;
    fixture->db = db_create(test_database_conninfo(database));
    fixture->arena = arena_create();
    *state = fixture;
    return 0;
}

int storage_setup(void **state)
{
    return set_up(state, test_database_create());
}

int storage_setup_empty(void **state)
{
    return set_up(state, test_database_create_empty());
}

int storage_teardown(void **state)
{
    struct storage_fixture *fixture = *state;

    db_destroy(fixture->db);
    test_database_destroy(fixture->database);
    arena_destroy(fixture->arena);
    free(fixture);
    return 0;
}
