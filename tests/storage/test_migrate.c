#include <pthread.h>

#include "homeserver/base/arena.h"
#include "migrations/migrations.h"
#include "storage/client_transactions.h"
#include "storage/db.h"
#include "storage/migrate.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

static const struct migration steps[] = {
    {1, "0001_a", "CREATE TABLE a (i integer); INSERT INTO a VALUES (1);"},
    {2, "0002_b", "CREATE TABLE b (i integer); INSERT INTO b VALUES (1); INSERT INTO a VALUES (2)"},
    {5, "0005_c", "INSERT INTO b VALUES (2); CREATE TABLE c (i integer);"},
};

static int64_t applied_count(struct db *db)
{
    return test_sql_int(db, "SELECT count(*) FROM schema_migrations");
}

static int64_t table_count(struct db *db)
{
    return test_sql_int(db, "SELECT count(*) FROM pg_class "
                            " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'");
}

static void all_migrations_are_applied_once(void **state)
{
    struct storage_fixture *fixture = *state;
    struct error error = {0};

    assert_int_equal(migrate_with(fixture->db, steps, 1, &error), OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(migrate_with(fixture->db, steps, COUNT_OF(steps), &error), OK);
        assert_int_equal(applied_count(fixture->db), 3);
        assert_int_equal(test_sql_int(fixture->db, "SELECT count(*) FROM a"), 2);
        assert_int_equal(test_sql_int(fixture->db, "SELECT count(*) FROM b"), 2);
    }
}

static void our_own_migrations_apply_to_an_empty_database(void **state)
{
    struct storage_fixture *fixture = *state;
    struct error error = {0};

    assert_int_equal(migrate(fixture->db, &error), OK);
    assert_int_equal(applied_count(fixture->db), (int64_t)migration_count);
}

static size_t count_before(int number)
{
    size_t count = 0;

    while (migrations[count].number < number)
        count++;
    return count;
}

static void transaction_ids_of_before_they_were_hashed_are_found(void **state)
{
    struct storage_fixture *fixture = *state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct client_transaction transaction = {7, "T\xc3\xa9l\xc3\xa9phone",
                                                   "send !room type txn.1"};
    const int64_t nid = 5;
    const char *event_id, **txn_ids;

    assert_int_equal(migrate_with(fixture->db, migrations, count_before(58), NULL), OK);
    test_sql(fixture->db, "INSERT INTO events (event_nid, room_nid, position, depth, sender_nid, "
                          "       origin_server_ts, event_id) VALUES (5, 1, 1, 1, 7, 1, '$five')");
    test_sql(
        fixture->db,
        "INSERT INTO client_transactions (user_nid, device_id, txn_key, event_nid, created_ts) "
        "VALUES (7, 'T\xc3\xa9l\xc3\xa9phone', 'send !room type txn.1', 5, 1)");
    assert_int_equal(migrate(fixture->db, NULL), OK);
    assert_int_equal(client_transaction_find(fixture->db, arena, &transaction, &event_id), OK);
    assert_string_equal(event_id, "$five");
    assert_int_equal(client_transactions_of_events(fixture->db, arena, transaction.device_id,
                                                   (struct nid_list){&nid, 1}, &txn_ids),
                     OK);
    assert_string_equal(txn_ids[0], "txn.1");
}

static void a_changed_file_is_refused(void **state)
{
    struct storage_fixture *fixture = *state;
    struct migration changed[] = {steps[0], steps[1], steps[2]};
    struct error error = {0};

    changed[1].sql = "CREATE TABLE b (i bigint)";
    assert_int_equal(migrate_with(fixture->db, steps, 2, &error), OK);
    assert_int_equal(migrate_with(fixture->db, changed, COUNT_OF(changed), &error), E_SYSTEM);
    assert_non_null(strstr(error.text, "0002_b was changed"));
    assert_int_equal(applied_count(fixture->db), 2);
}

static void a_newer_schema_is_refused(void **state)
{
    struct storage_fixture *fixture = *state;
    struct error error = {0};

    assert_int_equal(migrate_with(fixture->db, steps, COUNT_OF(steps), &error), OK);
    assert_int_equal(migrate_with(fixture->db, steps, 2, &error), E_SYSTEM);
    assert_non_null(strstr(error.text, "newer version"));
    assert_non_null(strstr(error.text, "0005_c"));
}

static void a_failing_step_is_undone_and_named(void **state)
{
    struct storage_fixture *fixture = *state;
    struct migration broken[] = {steps[0], steps[1]};
    struct error error = {0};

    broken[1].sql = "CREATE TABLE b (i integer); SELECT 1 / 0;";
    assert_int_equal(migrate_with(fixture->db, broken, 2, &error), E_DATABASE);
    assert_non_null(strstr(error.text, "division by zero"));
    assert_int_equal(applied_count(fixture->db), 1);
    assert_int_equal(migrate_with(fixture->db, steps, COUNT_OF(steps), &error), OK);
}

static void an_unreachable_database_is_unavailable(void **state)
{
    (void)state;
    struct error error = {0};
    struct db *db = db_create("host=/nonexistent");

    assert_int_equal(migrate(db, &error), E_UNAVAILABLE);
    assert_non_null(strstr(error.text, "/nonexistent"));
    db_destroy(db);
}

/* A function that ends its own session at its n-th call, as kill -9 of the backend would: put
 * between all statements of the migrations, it interrupts them at every point in turn. */
static void install_killer(struct db *db)
{
    test_sql(db, "CREATE SCHEMA killer;"
                 "CREATE SEQUENCE killer.calls;"
                 "CREATE TABLE killer.plan (at_call bigint);"
                 "INSERT INTO killer.plan VALUES (0);"
                 "CREATE FUNCTION killer.pass() RETURNS boolean LANGUAGE sql VOLATILE AS "
                 "  'SELECT CASE WHEN nextval(''killer.calls'') = at_call "
                 "               THEN pg_terminate_backend(pg_backend_pid()) END "
                 "     FROM killer.plan'");
}

static const char *with_killer(struct arena *arena, const char *sql)
{
    const char *result = "SELECT killer.pass();";

    while (*sql != '\0') {
        size_t length = strcspn(sql, ";");
        result = arena_printf(arena, "%s%.*s; SELECT killer.pass();", result, (int)length, sql);
        sql += length + (sql[length] == ';' ? 1 : 0);
    }
    return result;
}

static void a_migration_killed_at_any_statement_continues(void **state)
{
    struct storage_fixture *fixture = *state;
    struct migration killed[COUNT_OF(steps)];
    struct error error = {0};
    int64_t kills = 0;

    install_killer(fixture->db);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        killed[i] = steps[i];
        killed[i].sql = with_killer(fixture->arena, steps[i].sql);
    }
    for (;;) {
        /* One statement further than the last time. */
        test_sql(fixture->db, arena_printf(fixture->arena,
                                           "DROP TABLE IF EXISTS a, b, c, schema_migrations;"
                                           "SELECT setval('killer.calls', 1, false);"
                                           "UPDATE killer.plan SET at_call = %lld",
                                           (long long)(kills + 1)));
        enum errcode code = migrate_with(fixture->db, killed, COUNT_OF(killed), &error);
        if (code == OK)
            break;
        kills++;
        assert_int_equal(code, E_UNAVAILABLE);
        assert_int_equal(table_count(fixture->db), 1 + applied_count(fixture->db));
        assert_int_equal(migrate_with(fixture->db, killed, COUNT_OF(killed), &error), OK);
        assert_int_equal(applied_count(fixture->db), 3);
        assert_int_equal(test_sql_int(fixture->db, "SELECT count(*) FROM a"), 2);
        assert_int_equal(test_sql_int(fixture->db, "SELECT count(*) FROM b"), 2);
    }
    assert_int_equal(kills, 3 + 4 + 3); /* before, between and after the statements */
}

struct server {
    const char *conninfo;
    enum errcode code;
};

static void *start_server(void *context)
{
    struct server *server = context;
    struct db *db = db_create(server->conninfo);

    server->code = migrate(db, NULL);
    db_destroy(db);
    return NULL;
}

static void servers_that_start_together_do_not_meet(void **state)
{
    struct storage_fixture *fixture = *state;
    enum { SERVERS = 4 };
    struct server servers[SERVERS];
    pthread_t threads[SERVERS];

    for (int i = 0; i < SERVERS; i++) {
        servers[i].conninfo = test_database_conninfo(fixture->database);
        assert_int_equal(pthread_create(&threads[i], NULL, start_server, &servers[i]), 0);
    }
    for (int i = 0; i < SERVERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(servers[i].code, OK);
    }
    assert_int_equal(applied_count(fixture->db), (int64_t)migration_count);
}

#define MIGRATE_TEST(name)                                                                         \
    cmocka_unit_test_setup_teardown(name, storage_setup_empty, storage_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MIGRATE_TEST(all_migrations_are_applied_once),
        MIGRATE_TEST(our_own_migrations_apply_to_an_empty_database),
        MIGRATE_TEST(transaction_ids_of_before_they_were_hashed_are_found),
        MIGRATE_TEST(a_changed_file_is_refused),
        MIGRATE_TEST(a_newer_schema_is_refused),
        MIGRATE_TEST(a_failing_step_is_undone_and_named),
        cmocka_unit_test(an_unreachable_database_is_unavailable),
        MIGRATE_TEST(a_migration_killed_at_any_statement_continues),
        MIGRATE_TEST(servers_that_start_together_do_not_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
