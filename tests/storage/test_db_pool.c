#include <pthread.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "storage/db.h"
#include "storage/db_pool.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

enum { CONNECTIONS = 3, THREADS = 8, ROUNDS = 40 };

static void a_connection_returned_last_is_lent_first(void **state)
{
    struct storage_fixture *fixture = *state;
    struct db_pool *pool = db_pool_create(test_database_conninfo(fixture->database), 2);
    struct db_lease first = {0}, second = {0};

    assert_int_equal(db_pool_lend(pool, 0, &first), OK);
    assert_int_equal(db_pool_lend(pool, 0, &second), OK);
    assert_ptr_not_equal(first.db, second.db);
    struct db *last = first.db;
    db_lease_end(&second);
    db_lease_end(&first);
    db_lease_end(&first); /* ended already: nothing happens */
    assert_int_equal(db_pool_lend(pool, 0, &first), OK);
    assert_ptr_equal(first.db, last);
    db_lease_end(&first);
    db_pool_destroy(pool);
}

static void an_exhausted_pool_is_unavailable_after_the_wait(void **state)
{
    (void)state;
    struct db_pool *pool = db_pool_create("host=/nonexistent", 1);
    struct db_lease lease = {0}, refused = {0};

    assert_int_equal(db_pool_lend(pool, 0, &lease), OK);
    int64_t started_ms = clock_monotonic_ms();
    assert_int_equal(db_pool_lend(pool, 30, &refused), E_UNAVAILABLE);
    assert_true(clock_monotonic_ms() - started_ms >= 29);
    assert_null(refused.db);
    struct db_pool_stats stats = db_pool_stats(pool);
    assert_int_equal(stats.lent, 1);
    assert_int_equal(stats.lent_total, 1);
    assert_int_equal(stats.refused_total, 1);
    assert_true(stats.waited_us_total >= 29000);
    db_lease_end(&lease);
    assert_int_equal(db_pool_stats(pool).lent, 0);
    db_pool_destroy(pool);
}

static const struct db_statement count_up = {"test_count_up",
                                             "UPDATE counter SET value = value + $1"};

static void *work(void *context)
{
    struct db_pool *pool = context;

    for (int i = 0; i < ROUNDS; i++) {
        struct db_lease lease = {0};
        if (db_pool_lend(pool, 20000, &lease) != OK ||
            db_execute(lease.db, &count_up, PARAMS(INT(1)), NULL) != OK)
            abort();
        db_lease_end(&lease);
    }
    return NULL;
}

static void many_threads_share_few_connections(void **state)
{
    struct storage_fixture *fixture = *state;
    struct db_pool *pool = db_pool_create(test_database_conninfo(fixture->database), CONNECTIONS);
    pthread_t threads[THREADS];

    test_sql(fixture->db, "CREATE TABLE counter (value bigint); INSERT INTO counter VALUES (0)");
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, pool), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(test_sql_int(fixture->db, "SELECT value FROM counter"), THREADS * ROUNDS);
    assert_true(test_sql_int(fixture->db,
                             "SELECT count(*) FROM pg_stat_activity "
                             " WHERE datname = current_database()") <= CONNECTIONS + 1);
    assert_int_equal(db_pool_stats(pool).lent_total, THREADS * ROUNDS);
    db_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_connection_returned_last_is_lent_first,
                                        storage_setup_empty, storage_teardown),
        cmocka_unit_test(an_exhausted_pool_is_unavailable_after_the_wait),
        cmocka_unit_test_setup_teardown(many_threads_share_few_connections, storage_setup_empty,
                                        storage_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
