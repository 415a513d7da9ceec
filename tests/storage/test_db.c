#include <poll.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/metrics.h"
#include "storage/db.h"
#include "storage/db_transaction.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

enum { INSERT, COUNT, SCALARS, ARRAYS, SMALL_TYPES, BROKEN, SLEEP };

static const struct db_statement statements[] = {
    [INSERT] = {"test_insert", "INSERT INTO things (id, name) VALUES ($1, $2)"},
    [COUNT] = {"test_count", "SELECT count(*) FROM things"},
    [SCALARS] = {"test_scalars", "SELECT $1, $2, $3, $4, $5"},
    [ARRAYS] = {"test_arrays", "SELECT $1, $2, cardinality($3), cardinality($4), $4[2]"},
    [SMALL_TYPES] = {"test_small_types",
                     "SELECT 7::smallint, (-7)::integer, 1.5::real, 'x'::varchar"},
    [BROKEN] = {"test_broken", "SELECT no_such_column FROM things"},
    [SLEEP] = {"test_sleep", "SELECT pg_sleep(60)::text"},
};

static int setup(void **state)
{
    storage_setup_empty(state);
    struct storage_fixture *fixture = *state;
    test_sql(fixture->db, "CREATE TABLE things (id integer PRIMARY KEY, name text)");
    return 0;
}

static enum errcode insert(struct db *db, int64_t id)
{
    return db_execute(db, &statements[INSERT], PARAMS(INT(id), TEXT("name")), NULL);
}

static int64_t count_things(struct storage_fixture *fixture)
{
    struct db_rows *rows;

    assert_int_equal(db_query(fixture->db, fixture->arena, &statements[COUNT], NO_PARAMS, &rows),
                     OK);
    return rows_int(rows, 0, 0);
}

static void scalars_survive_the_round_trip(void **state)
{
    struct storage_fixture *fixture = *state;
    struct db_rows *rows;
    size_t size;

    assert_int_equal(
        db_query(fixture->db, fixture->arena, &statements[SCALARS],
                 PARAMS(TEXT("é"), INT(INT64_MIN), BOOL(true), DOUBLE(-0.1), BYTES("a\0b", 3)),
                 &rows),
        OK);
    assert_int_equal(rows_count(rows), 1);
    assert_string_equal(rows_text(rows, 0, 0), "é");
    assert_true(rows_int(rows, 0, 1) == INT64_MIN);
    assert_true(rows_bool(rows, 0, 2));
    assert_true(rows_double(rows, 0, 3) == -0.1);
    assert_memory_equal(rows_bytes(rows, 0, 4, &size), "a\0b", 4);
    assert_int_equal(size, 3);
}

static void nulls_survive_the_round_trip(void **state)
{
    struct storage_fixture *fixture = *state;
    const struct db_param null_bool = {.kind = DB_BOOL, .is_null = true};
    struct db_rows *rows;
    size_t size;

    assert_int_equal(db_query(fixture->db, fixture->arena, &statements[SCALARS],
                              PARAMS(TEXT(NULL), NULL_INT, null_bool, NULL_DOUBLE, BYTES(NULL, 0)),
                              &rows),
                     OK);
    for (int column = 0; column < 5; column++)
        assert_true(rows_is_null(rows, 0, column));
    assert_null(rows_text(rows, 0, 0));
    assert_int_equal(rows_int(rows, 0, 1), 0);
    assert_false(rows_bool(rows, 0, 2));
    assert_true(rows_double(rows, 0, 3) == 0);
    assert_null(rows_bytes(rows, 0, 4, &size));
    assert_int_equal(size, 0);
}

static void empty_text_and_bytes_are_not_null(void **state)
{
    struct storage_fixture *fixture = *state;
    struct db_rows *rows;
    size_t size;

    assert_int_equal(db_query(fixture->db, fixture->arena, &statements[SCALARS],
                              PARAMS(TEXT(""), INT(0), BOOL(false), DOUBLE(0), BYTES("", 0)),
                              &rows),
                     OK);
    assert_string_equal(rows_text(rows, 0, 0), "");
    assert_non_null(rows_bytes(rows, 0, 4, &size));
    assert_int_equal(size, 0);
}

static void arrays_survive_the_round_trip(void **state)
{
    struct storage_fixture *fixture = *state;
    const char *texts[] = {"one", NULL, ""};
    const int64_t numbers[] = {-1, INT64_MAX};
    const bool booleans[] = {true, false, true};
    const void *blobs[] = {"a", "\0b"};
    const size_t sizes[] = {1, 2};
    struct db_rows *rows;
    size_t count, size;

    assert_int_equal(db_query(fixture->db, fixture->arena, &statements[ARRAYS],
                              PARAMS(TEXT_ARRAY(texts, 3), INT_ARRAY(numbers, 2),
                                     BOOL_ARRAY(booleans, 3), BYTES_ARRAY(blobs, sizes, 2)),
                              &rows),
                     OK);
    const char **texts_out = rows_text_array(rows, 0, 0, fixture->arena, &count);
    assert_int_equal(count, 3);
    assert_string_equal(texts_out[0], "one");
    assert_null(texts_out[1]);
    assert_string_equal(texts_out[2], "");
    const int64_t *numbers_out = rows_int_array(rows, 0, 1, fixture->arena, &count);
    assert_int_equal(count, 2);
    assert_memory_equal(numbers_out, numbers, sizeof(numbers));
    assert_int_equal(rows_int(rows, 0, 2), 3);
    assert_int_equal(rows_int(rows, 0, 3), 2);
    assert_memory_equal(rows_bytes(rows, 0, 4, &size), "\0b", 2);
    assert_int_equal(size, 2);
}

static void empty_arrays_survive_the_round_trip(void **state)
{
    struct storage_fixture *fixture = *state;
    struct db_rows *rows;
    size_t count;

    assert_int_equal(db_query(fixture->db, fixture->arena, &statements[ARRAYS],
                              PARAMS(TEXT_ARRAY(NULL, 0), INT_ARRAY(NULL, 0), BOOL_ARRAY(NULL, 0),
                                     BYTES_ARRAY(NULL, NULL, 0)),
                              &rows),
                     OK);
    (void)rows_text_array(rows, 0, 0, fixture->arena, &count); /* only the count matters */
    assert_int_equal(count, 0);
    (void)rows_int_array(rows, 0, 1, fixture->arena, &count);
    assert_int_equal(count, 0);
    assert_int_equal(rows_int(rows, 0, 2), 0);
}

static void smaller_types_are_widened(void **state)
{
    struct storage_fixture *fixture = *state;
    struct db_rows *rows;

    assert_int_equal(
        db_query(fixture->db, fixture->arena, &statements[SMALL_TYPES], NO_PARAMS, &rows), OK);
    assert_int_equal(rows_int(rows, 0, 0), 7);
    assert_int_equal(rows_int(rows, 0, 1), -7);
    assert_true(rows_double(rows, 0, 2) == 1.5);
    assert_string_equal(rows_text(rows, 0, 3), "x");
}

static void megabytes_survive_the_round_trip(void **state)
{
    struct storage_fixture *fixture = *state;
    size_t size = 20 << 20, size_out;
    unsigned char *blob = arena_alloc(fixture->arena, size);
    struct db_rows *rows;

    memset(blob, 0xa5, size);
    assert_int_equal(db_query(fixture->db, fixture->arena, &statements[SCALARS],
                              PARAMS(NULL_TEXT, INT(0), BOOL(false), DOUBLE(0), BYTES(blob, size)),
                              &rows),
                     OK);
    const void *blob_out = rows_bytes(rows, 0, 4, &size_out);
    assert_int_equal(size_out, size);
    assert_int_equal(memcmp(blob_out, blob, size), 0);
}

static void execute_tells_the_affected_rows(void **state)
{
    struct storage_fixture *fixture = *state;
    static const struct db_statement delete_all = {"test_delete", "DELETE FROM things"};
    int64_t affected = -1;

    assert_int_equal(insert(fixture->db, 1), OK);
    assert_int_equal(insert(fixture->db, 2), OK);
    assert_int_equal(db_execute(fixture->db, &delete_all, NO_PARAMS, &affected), OK);
    assert_int_equal(affected, 2);
    assert_int_equal(db_statements_run(fixture->db), 3);
}

static void the_duration_of_every_statement_is_measured(void **state)
{
    struct storage_fixture *fixture = *state;
    struct metric_histogram *duration =
        metrics_histogram("beffroi_database_statement_seconds", "", "statement=\"test_insert\"");
    uint64_t before = metric_histogram_count(duration);

    assert_int_equal(insert(fixture->db, 1), OK);
    assert_int_equal(insert(fixture->db, 1), E_CONFLICT);
    assert_int_equal(metric_histogram_count(duration), before + 2);
}

static void a_unique_violation_is_a_conflict(void **state)
{
    struct storage_fixture *fixture = *state;

    assert_string_equal(db_last_sqlstate(fixture->db), "");
    assert_int_equal(insert(fixture->db, 1), OK);
    assert_int_equal(insert(fixture->db, 1), E_CONFLICT);
    assert_string_equal(db_last_sqlstate(fixture->db), "23505");
    assert_non_null(strstr(db_last_message(fixture->db), "things_pkey"));
    assert_int_equal(insert(fixture->db, 2), OK);
}

static void a_wrong_statement_fails_and_leaves_the_connection_usable(void **state)
{
    struct storage_fixture *fixture = *state;
    struct db_rows *rows;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            db_query(fixture->db, fixture->arena, &statements[BROKEN], NO_PARAMS, &rows),
            E_DATABASE);
        assert_string_equal(db_last_sqlstate(fixture->db), "42703");
    }
    assert_int_equal(insert(fixture->db, 1), OK);
}

static void a_transaction_without_commit_is_rolled_back(void **state)
{
    struct storage_fixture *fixture = *state;

    {
        SCOPED(db_transaction_end) struct db *tx = NULL;
        assert_int_equal(db_begin(fixture->db, &tx), OK);
        assert_int_equal(insert(tx, 1), OK);
    }
    assert_int_equal(count_things(fixture), 0);

    SCOPED(db_transaction_end) struct db *tx = NULL;
    assert_int_equal(db_begin(fixture->db, &tx), OK);
    assert_int_equal(insert(tx, 1), OK);
    assert_int_equal(db_commit(&tx), OK);
    assert_null(tx);
    assert_int_equal(count_things(fixture), 1);
}

static void committing_a_failed_transaction_is_a_failure(void **state)
{
    struct storage_fixture *fixture = *state;
    SCOPED(db_transaction_end) struct db *tx = NULL;

    assert_int_equal(db_begin(fixture->db, &tx), OK);
    assert_int_equal(insert(tx, 1), OK);
    assert_int_equal(insert(tx, 1), E_CONFLICT);
    assert_int_equal(db_commit(&tx), E_CONFLICT);
    assert_int_equal(count_things(fixture), 0);
}

static void a_backend_that_dies_while_idle_costs_no_request(void **state)
{
    struct storage_fixture *fixture = *state;

    for (int64_t id = 1; id <= 3; id++) {
        assert_int_equal(insert(fixture->db, id), OK);
        test_database_terminate_backends(fixture->database);
    }
    assert_int_equal(count_things(fixture), 3);
}

static void a_transaction_never_continues_on_another_session(void **state)
{
    struct storage_fixture *fixture = *state;

    {
        SCOPED(db_transaction_end) struct db *tx = NULL;
        assert_int_equal(db_begin(fixture->db, &tx), OK);
        assert_int_equal(insert(tx, 1), OK);
        test_database_terminate_backends(fixture->database);
        assert_int_equal(insert(tx, 2), E_UNAVAILABLE);
        assert_int_equal(insert(tx, 3), E_UNAVAILABLE);
        assert_int_equal(db_commit(&tx), E_UNAVAILABLE);
    }
    assert_int_equal(count_things(fixture), 0);
}

static void an_unreachable_database_is_unavailable_at_once(void **state)
{
    (void)state;
    struct db *db = db_create("host=/nonexistent dbname=none");
    int64_t started_ms = clock_monotonic_ms();

    for (int i = 0; i < 100; i++)
        assert_int_equal(insert(db, 1), E_UNAVAILABLE);
    assert_true(clock_monotonic_ms() - started_ms < 1000);
    assert_string_equal(db_last_sqlstate(db), "08001");
    assert_int_equal(db_socket(db), -1);
    db_destroy(db);
}

static void a_statement_timeout_is_unavailable_and_not_repeated(void **state)
{
    struct storage_fixture *fixture = *state;
    struct db_rows *rows;

    test_sql(fixture->db, "SET statement_timeout = 20");
    assert_int_equal(db_query(fixture->db, fixture->arena, &statements[SLEEP], NO_PARAMS, &rows),
                     E_UNAVAILABLE);
    assert_string_equal(db_last_sqlstate(fixture->db), "57014");
    /* Still the same session, with its short timeout. */
    assert_string_equal(
        test_sql_text(fixture->db, fixture->arena, "SELECT current_setting('statement_timeout')"),
        "20ms");
}

static void add(struct db *db, int64_t id, int64_t *affected)
{
    assert_int_equal(
        db_pipeline_add(db, &statements[INSERT], PARAMS(INT(id), TEXT("name")), affected), OK);
}

static void a_pipeline_runs_all_its_statements(void **state)
{
    struct storage_fixture *fixture = *state;
    enum { STATEMENTS = 3000 };
    int64_t affected[STATEMENTS] = {0};

    for (int round = 0; round < 2; round++) {
        assert_int_equal(db_pipeline_begin(fixture->db), OK);
        for (int i = 0; i < STATEMENTS; i++)
            add(fixture->db, round * STATEMENTS + i, &affected[i]);
        assert_int_equal(db_pipeline_sync(fixture->db), OK);
        for (int i = 0; i < STATEMENTS; i++)
            assert_int_equal(affected[i], 1);
    }
    assert_int_equal(count_things(fixture), 2 * STATEMENTS);
}

static void an_empty_pipeline_succeeds(void **state)
{
    struct storage_fixture *fixture = *state;

    assert_int_equal(db_pipeline_begin(fixture->db), OK);
    assert_int_equal(db_pipeline_sync(fixture->db), OK);
    assert_int_equal(count_things(fixture), 0);
}

static void a_failure_in_a_pipeline_undoes_all_of_it(void **state)
{
    struct storage_fixture *fixture = *state;
    int64_t before = 0, bad = -1, after = -1;

    assert_int_equal(db_pipeline_begin(fixture->db), OK);
    add(fixture->db, 1, &before);
    add(fixture->db, 1, &bad);
    /* Prepared behind the failure, so in fact not prepared at all. */
    assert_int_equal(db_pipeline_add(fixture->db, &statements[COUNT], NO_PARAMS, &after), OK);
    assert_int_equal(db_pipeline_sync(fixture->db), E_CONFLICT);
    assert_int_equal(before, 1);
    assert_int_equal(bad, -1);
    assert_int_equal(after, -1);
    assert_int_equal(count_things(fixture), 0);
}

static void a_pipeline_belongs_to_its_transaction(void **state)
{
    struct storage_fixture *fixture = *state;

    {
        SCOPED(db_transaction_end) struct db *tx = NULL;
        assert_int_equal(db_begin(fixture->db, &tx), OK);
        assert_int_equal(db_pipeline_begin(tx), OK);
        add(tx, 1, NULL);
        assert_int_equal(db_pipeline_sync(tx), OK);
    }
    assert_int_equal(count_things(fixture), 0);

    SCOPED(db_transaction_end) struct db *tx = NULL;
    assert_int_equal(db_begin(fixture->db, &tx), OK);
    assert_int_equal(db_pipeline_begin(tx), OK);
    add(tx, 1, NULL);
    assert_int_equal(db_pipeline_sync(tx), OK);
    assert_int_equal(db_commit(&tx), OK);
    assert_int_equal(count_things(fixture), 1);
}

static void a_backend_that_dies_during_a_pipeline_leaves_nothing_behind(void **state)
{
    struct storage_fixture *fixture = *state;

    {
        SCOPED(db_transaction_end) struct db *tx = NULL;
        assert_int_equal(db_begin(fixture->db, &tx), OK);
        assert_int_equal(db_pipeline_begin(tx), OK);
        add(tx, 1, NULL);
        test_database_terminate_backends(fixture->database);
        add(tx, 2, NULL);
        assert_int_equal(db_pipeline_sync(tx), E_UNAVAILABLE);
        assert_int_equal(insert(tx, 3), E_UNAVAILABLE);
    }
    assert_int_equal(count_things(fixture), 0);
    assert_int_equal(insert(fixture->db, 1), OK);
}

static void a_pipeline_left_halfway_does_not_spoil_the_connection(void **state)
{
    struct storage_fixture *fixture = *state;

    {
        SCOPED(db_transaction_end) struct db *tx = NULL;
        assert_int_equal(db_begin(fixture->db, &tx), OK);
        assert_int_equal(db_pipeline_begin(tx), OK);
        add(tx, 1, NULL);
    }
    assert_int_equal(count_things(fixture), 0);
}

static void notifications_arrive_with_their_payload(void **state)
{
    struct storage_fixture *fixture = *state;
    struct db *listener = db_create(test_database_conninfo(fixture->database));

    test_sql(listener, "LISTEN bell");
    assert_null(db_take_notification(listener, fixture->arena));
    test_sql(fixture->db, "NOTIFY bell, 'one'; NOTIFY bell, 'two'");

    struct pollfd poll_fd = {.fd = db_socket(listener), .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, 10000), 1);
    assert_string_equal(db_take_notification(listener, fixture->arena), "one");
    assert_string_equal(db_take_notification(listener, fixture->arena), "two");
    assert_null(db_take_notification(listener, fixture->arena));
    assert_true(db_socket(listener) >= 0);

    test_database_terminate_backends(fixture->database);
    while (db_take_notification(listener, fixture->arena) != NULL)
        ;
    assert_int_equal(db_socket(listener), -1);
    db_destroy(listener);
}

/* Fails as often as `failures` says, as PostgreSQL would fail. */
struct moody {
    int calls;
    int failures;
    const char *sqlstate;
};

static enum errcode moody_body(struct db *tx, void *context)
{
    struct moody *moody = context;
    SCOPED(arena_release) struct arena *arena = arena_create();

    TRY(insert(tx, ++moody->calls));
    if (moody->calls > moody->failures)
        return OK;
    return db_run_script(
        tx, arena_printf(arena, "DO $$ BEGIN RAISE SQLSTATE '%s'; END $$", moody->sqlstate), NULL);
}

static void a_serialization_failure_repeats_the_whole_transaction(void **state)
{
    struct storage_fixture *fixture = *state;
    struct moody moody = {.failures = 2, .sqlstate = "40001"};

    assert_int_equal(db_transaction_run(fixture->db, moody_body, &moody), OK);
    assert_int_equal(moody.calls, 3);
    assert_int_equal(count_things(fixture), 1);
}

static void a_transaction_is_tried_five_times_at_most(void **state)
{
    struct storage_fixture *fixture = *state;
    struct moody moody = {.failures = 100, .sqlstate = "40P01"};

    assert_int_equal(db_transaction_run(fixture->db, moody_body, &moody), E_CONFLICT);
    assert_int_equal(moody.calls, 5);
    assert_int_equal(count_things(fixture), 0);
}

static void other_failures_do_not_repeat_a_transaction(void **state)
{
    struct storage_fixture *fixture = *state;
    static const struct {
        const char *sqlstate;
        enum errcode code;
    } cases[] = {{"23505", E_CONFLICT},    {"57014", E_UNAVAILABLE}, {"53100", E_UNAVAILABLE},
                 {"25006", E_UNAVAILABLE}, {"XX001", E_DATABASE},    {"22003", E_DATABASE}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct moody moody = {.failures = 100, .sqlstate = cases[i].sqlstate};
        assert_int_equal(db_transaction_run(fixture->db, moody_body, &moody), cases[i].code);
        assert_int_equal(moody.calls, 1);
        assert_string_equal(db_last_sqlstate(fixture->db), cases[i].sqlstate);
    }
    assert_int_equal(count_things(fixture), 0);
}

#define STORAGE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, storage_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORAGE_TEST(scalars_survive_the_round_trip),
        STORAGE_TEST(nulls_survive_the_round_trip),
        STORAGE_TEST(empty_text_and_bytes_are_not_null),
        STORAGE_TEST(arrays_survive_the_round_trip),
        STORAGE_TEST(empty_arrays_survive_the_round_trip),
        STORAGE_TEST(smaller_types_are_widened),
        STORAGE_TEST(megabytes_survive_the_round_trip),
        STORAGE_TEST(execute_tells_the_affected_rows),
        STORAGE_TEST(the_duration_of_every_statement_is_measured),
        STORAGE_TEST(a_unique_violation_is_a_conflict),
        STORAGE_TEST(a_wrong_statement_fails_and_leaves_the_connection_usable),
        STORAGE_TEST(a_transaction_without_commit_is_rolled_back),
        STORAGE_TEST(committing_a_failed_transaction_is_a_failure),
        STORAGE_TEST(a_backend_that_dies_while_idle_costs_no_request),
        STORAGE_TEST(a_transaction_never_continues_on_another_session),
        cmocka_unit_test(an_unreachable_database_is_unavailable_at_once),
        STORAGE_TEST(a_statement_timeout_is_unavailable_and_not_repeated),
        STORAGE_TEST(a_pipeline_runs_all_its_statements),
        STORAGE_TEST(an_empty_pipeline_succeeds),
        STORAGE_TEST(a_failure_in_a_pipeline_undoes_all_of_it),
        STORAGE_TEST(a_pipeline_belongs_to_its_transaction),
        STORAGE_TEST(a_backend_that_dies_during_a_pipeline_leaves_nothing_behind),
        STORAGE_TEST(a_pipeline_left_halfway_does_not_spoil_the_connection),
        STORAGE_TEST(notifications_arrive_with_their_payload),
        STORAGE_TEST(a_serialization_failure_repeats_the_whole_transaction),
        STORAGE_TEST(a_transaction_is_tried_five_times_at_most),
        STORAGE_TEST(other_failures_do_not_repeat_a_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
