/*
 * A PostgreSQL that stops, dies, hangs or takes sides in a deadlock, as the code above sees it: one
 * failed call at most, at once, and everything works again when the database does.
 */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "storage/cluster_process.h"
#include "storage/db.h"
#include "storage/db_transaction.h"
#include "storage/embedded_cluster.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

enum { INSERT, COUNT, BACKEND_PID, ADD_TO };

static const struct db_statement statements[] = {
    [INSERT] = {"test_insert", "INSERT INTO things (id) VALUES ($1)"},
    [COUNT] = {"test_count", "SELECT count(*) FROM things"},
    [BACKEND_PID] = {"test_backend_pid", "SELECT pg_backend_pid()"},
    [ADD_TO] = {"test_add_to", "UPDATE things SET hits = hits + 1 WHERE id = $1"},
};

struct fixture {
    struct arena *arena;
    const char *directory;
    struct embedded_cluster *cluster;
    struct db *db;
};

static void start(struct fixture *fixture)
{
    const struct embedded_cluster_options options = {
        .data_directory = fixture->directory, .connections = 10, .without_durability = true};
    struct error error = {0};

    if (embedded_cluster_start(&options, &fixture->cluster, &error) != OK)
        fail_msg("%s", error.text);
}

static void stop(struct fixture *fixture)
{
    embedded_cluster_stop(fixture->cluster);
    fixture->cluster = NULL;
}

static int setup(void **state)
{
    struct arena *arena = arena_create();
    struct fixture *fixture = ARENA_NEW(arena, struct fixture);
    char *directory = arena_strdup(arena, "/tmp/beffroi-faults-XXXXXX");

    fixture->arena = arena;
    if (mkdtemp(directory) == NULL)
        abort();
    fixture->directory = directory;
    start(fixture);
    /* The conninfo stays the same when the cluster starts again. */
    fixture->db = db_create(embedded_cluster_conninfo(fixture->cluster));
    test_sql(fixture->db, "CREATE TABLE things (id bigint PRIMARY KEY, hits bigint DEFAULT 0)");
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    db_destroy(fixture->db);
    embedded_cluster_stop(fixture->cluster);
    cluster_delete_directory(fixture->directory);
    arena_destroy(fixture->arena);
    return 0;
}

static enum errcode insert(struct db *db, int64_t id)
{
    return db_execute(db, &statements[INSERT], PARAMS(INT(id)), NULL);
}

static enum errcode query_int(struct fixture *fixture, int statement, int64_t *out)
{
    struct db_rows *rows;

    TRY(db_query(fixture->db, fixture->arena, &statements[statement], NO_PARAMS, &rows));
    *out = rows_int(rows, 0, 0);
    return OK;
}

static pid_t backend_pid(struct fixture *fixture)
{
    int64_t pid = 0;

    assert_int_equal(query_int(fixture, BACKEND_PID, &pid), OK);
    return (pid_t)pid;
}

static pid_t postmaster_pid(struct fixture *fixture)
{
    pid_t pid;
    const char *mark = test_sql_text(fixture->db, fixture->arena,
                                     "SELECT 'cluster_name=' || current_setting('cluster_name')");

    assert_int_equal(cluster_find_processes(mark, &pid, 1), 1);
    return pid;
}

/* PostgreSQL recovers after a killed backend; meanwhile everything is unavailable, nothing worse.
 */
static int64_t count_when_available(struct fixture *fixture)
{
    int64_t count = -1;
    enum errcode code;

    do {
        code = query_int(fixture, COUNT, &count);
        assert_true(code == OK || code == E_UNAVAILABLE);
    } while (code != OK);
    return count;
}

static void a_stopped_database_is_unavailable_and_comes_back(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(insert(fixture->db, 1), OK);
    stop(fixture);
    int64_t started_ms = clock_monotonic_ms();
    for (int64_t id = 2; id < 50; id++)
        assert_int_equal(insert(fixture->db, id), E_UNAVAILABLE);
    assert_true(clock_monotonic_ms() - started_ms < 2000);
    start(fixture);
    /* The very first call works. */
    assert_int_equal(insert(fixture->db, 2), OK);
    assert_int_equal(count_when_available(fixture), 2);
}

static void a_restart_between_two_calls_goes_unnoticed(void **state)
{
    struct fixture *fixture = *state;

    for (int64_t id = 1; id <= 3; id++) {
        assert_int_equal(insert(fixture->db, id), OK);
        stop(fixture);
        start(fixture);
    }
    assert_int_equal(count_when_available(fixture), 3);
}

static void kill_9_of_the_backend_undoes_the_transaction(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(insert(fixture->db, 1), OK);
    {
        SCOPED(db_transaction_end) struct db *tx = NULL;
        assert_int_equal(db_begin(fixture->db, &tx), OK);
        assert_int_equal(insert(tx, 2), OK);
        assert_int_equal(kill(backend_pid(fixture), SIGKILL), 0);
        assert_int_equal(insert(tx, 3), E_UNAVAILABLE);
        assert_int_equal(db_commit(&tx), E_UNAVAILABLE);
    }
    assert_int_equal(count_when_available(fixture), 1);
}

static void kill_9_of_the_backend_during_a_pipeline_undoes_all_of_it(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(insert(fixture->db, 1), OK);
    {
        SCOPED(db_transaction_end) struct db *tx = NULL;
        assert_int_equal(db_begin(fixture->db, &tx), OK);
        pid_t backend = backend_pid(fixture);
        assert_int_equal(db_pipeline_begin(tx), OK);
        for (int64_t id = 2; id <= 500; id++)
            assert_int_equal(db_pipeline_add(tx, &statements[INSERT], PARAMS(INT(id)), NULL), OK);
        assert_int_equal(kill(backend, SIGKILL), 0);
        /* The loss may be noticed while the rest is sent, or only when the answers are read. */
        enum errcode added = OK;
        for (int64_t id = 501; id < 1000 && added == OK; id++)
            added = db_pipeline_add(tx, &statements[INSERT], PARAMS(INT(id)), NULL);
        assert_true(added == OK || added == E_UNAVAILABLE);
        assert_int_equal(db_pipeline_sync(tx), E_UNAVAILABLE);
        assert_int_equal(db_commit(&tx), E_UNAVAILABLE);
    }
    assert_int_equal(count_when_available(fixture), 1);
}

static void a_pipeline_that_is_lost_while_it_is_filled_can_still_be_ended(void **state)
{
    enum { ADDED_MAX = 1000000 };
    struct fixture *fixture = *state;
    enum errcode added = OK;

    {
        SCOPED(db_transaction_end) struct db *tx = NULL;
        assert_int_equal(db_begin(fixture->db, &tx), OK);
        pid_t backend = backend_pid(fixture);
        assert_int_equal(db_pipeline_begin(tx), OK);
        assert_int_equal(kill(backend, SIGKILL), 0);
        for (int64_t id = 1; id < ADDED_MAX && added == OK; id++)
            added = db_pipeline_add(tx, &statements[INSERT], PARAMS(INT(id)), NULL);
        assert_int_equal(added, E_UNAVAILABLE);
        assert_int_equal(db_pipeline_sync(tx), E_UNAVAILABLE);
        assert_int_equal(db_commit(&tx), E_UNAVAILABLE);
    }
    assert_int_equal(count_when_available(fixture), 0);
}

static void a_database_that_hangs_costs_one_timeout_and_not_one_per_call(void **state)
{
    struct fixture *fixture = *state;
    struct db *db = db_create(arena_printf(fixture->arena, "%s connect_timeout=2",
                                           embedded_cluster_conninfo(fixture->cluster)));
    pid_t postmaster = postmaster_pid(fixture);

    assert_int_equal(kill(postmaster, SIGSTOP), 0);
    int64_t started_ms = clock_monotonic_ms();
    for (int64_t id = 1; id <= 20; id++)
        assert_int_equal(insert(db, id), E_UNAVAILABLE);
    assert_true(clock_monotonic_ms() - started_ms < 6000);
    assert_int_equal(kill(postmaster, SIGCONT), 0);
    /* Not before as much time has passed as the attempt took. */
    while (insert(db, 1) != OK)
        ;
    assert_true(clock_monotonic_ms() - started_ms < 12000);
    db_destroy(db);
}

struct rivals {
    const char *conninfo;
    pthread_barrier_t both_hold_one;
};

struct rival {
    struct rivals *rivals;
    int64_t first;
    int64_t second;
    int attempts;
    enum errcode outcome;
};

static enum errcode take_both(struct db *tx, void *context)
{
    struct rival *rival = context;

    TRY(db_execute(tx, &statements[ADD_TO], PARAMS(INT(rival->first)), NULL));
    if (rival->attempts++ == 0)
        pthread_barrier_wait(&rival->rivals->both_hold_one);
    return db_execute(tx, &statements[ADD_TO], PARAMS(INT(rival->second)), NULL);
}

static void *compete(void *context)
{
    struct rival *rival = context;
    struct db *db = db_create(rival->rivals->conninfo);

    rival->outcome = db_transaction_run(db, take_both, rival);
    db_destroy(db);
    return NULL;
}

static void both_sides_of_a_deadlock_succeed_in_the_end(void **state)
{
    struct fixture *fixture = *state;
    struct rivals rivals = {.conninfo = embedded_cluster_conninfo(fixture->cluster)};
    struct rival rival[2] = {{.rivals = &rivals, .first = 1, .second = 2},
                             {.rivals = &rivals, .first = 2, .second = 1}};
    pthread_t threads[2];

    assert_int_equal(insert(fixture->db, 1), OK);
    assert_int_equal(insert(fixture->db, 2), OK);
    assert_int_equal(pthread_barrier_init(&rivals.both_hold_one, NULL, 2), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, compete, &rival[i]), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(rival[i].outcome, OK);
    }
    pthread_barrier_destroy(&rivals.both_hold_one);
    /* At least one had to begin again; more often when the first to repeat is quicker than the one
     * that its rollback woke. */
    assert_in_range(rival[0].attempts + rival[1].attempts, 3, 6);
    assert_int_equal(test_sql_int(fixture->db, "SELECT sum(hits)::bigint FROM things"), 4);
}

#define FAULT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(a_stopped_database_is_unavailable_and_comes_back),
        FAULT_TEST(a_restart_between_two_calls_goes_unnoticed),
        FAULT_TEST(kill_9_of_the_backend_undoes_the_transaction),
        FAULT_TEST(kill_9_of_the_backend_during_a_pipeline_undoes_all_of_it),
        FAULT_TEST(a_pipeline_that_is_lost_while_it_is_filled_can_still_be_ended),
        FAULT_TEST(a_database_that_hangs_costs_one_timeout_and_not_one_per_call),
        FAULT_TEST(both_sides_of_a_deadlock_succeed_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
