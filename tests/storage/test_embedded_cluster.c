/*
 * The embedded PostgreSQL, in directories below /tmp. As root everything runs once more as an
 * ordinary user.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "storage/cluster_process.h"
#include "storage/db.h"
#include "storage/embedded_cluster.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

enum { ORDINARY_UID = 65534 };

struct fixture {
    struct arena *arena;
    const char *directory;
    struct embedded_cluster *cluster;
};

static int setup(void **state)
{
    struct arena *arena = arena_create();
    struct fixture *fixture = ARENA_NEW(arena, struct fixture);
    char *directory = arena_strdup(arena, "/tmp/beffroi-embedded-XXXXXX");

    fixture->arena = arena;
    if (mkdtemp(directory) == NULL)
        abort();
    fixture->directory = directory;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    embedded_cluster_stop(fixture->cluster);
    cluster_delete_directory(fixture->directory);
    arena_destroy(fixture->arena);
    return 0;
}

static enum errcode start_in(struct fixture *fixture, const char *directory, struct error *error)
{
    const struct embedded_cluster_options options = {
        .data_directory = directory, .connections = 5, .without_durability = true};

    fixture->cluster = NULL;
    return embedded_cluster_start(&options, &fixture->cluster, error);
}

static void start(struct fixture *fixture)
{
    struct error error = {0};

    if (start_in(fixture, fixture->directory, &error) != OK)
        fail_msg("%s", error.text);
}

static void stop(struct fixture *fixture)
{
    embedded_cluster_stop(fixture->cluster);
    fixture->cluster = NULL;
}

static struct db *connect_to(struct fixture *fixture)
{
    return db_create(embedded_cluster_conninfo(fixture->cluster));
}

static void run_sql(struct fixture *fixture, const char *sql)
{
    struct db *db = connect_to(fixture);

    test_sql(db, sql);
    db_destroy(db);
}

static int64_t query_int(struct fixture *fixture, const char *sql)
{
    struct db *db = connect_to(fixture);
    int64_t value = test_sql_int(db, sql);

    db_destroy(db);
    return value;
}

static const char *path_in(struct fixture *fixture, const char *name)
{
    return arena_printf(fixture->arena, "%s/postgresql/%s", fixture->directory, name);
}

static pid_t postmaster_pid(struct fixture *fixture)
{
    char line[32] = "";
    FILE *file = fopen(path_in(fixture, "data/postmaster.pid"), "re");

    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    fclose(file);
    return (pid_t)strtol(line, NULL, 10);
}

static void what_was_stored_is_there_after_a_restart(void **state)
{
    struct fixture *fixture = *state;

    start(fixture);
    run_sql(fixture, "CREATE TABLE kept (i bigint); INSERT INTO kept VALUES (7)");
    stop(fixture);
    assert_int_not_equal(access(path_in(fixture, "data/postmaster.pid"), F_OK), 0);
    start(fixture);
    assert_int_equal(query_int(fixture, "SELECT i FROM kept"), 7);
}

static void only_its_own_user_can_reach_it(void **state)
{
    struct fixture *fixture = *state;
    struct stat info;

    start(fixture);
    assert_int_equal(stat(path_in(fixture, "data"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_not_equal(info.st_uid, 0);
    struct db *db = connect_to(fixture);
    assert_string_equal(
        test_sql_text(db, fixture->arena, "SELECT current_setting('listen_addresses')"), "");
    assert_string_equal(
        test_sql_text(db, fixture->arena, "SELECT current_setting('data_checksums')"), "on");
    assert_string_equal(test_sql_text(db, fixture->arena,
                                      "SELECT datcollate || ' ' || pg_encoding_to_char(encoding) "
                                      "  FROM pg_database WHERE datname = current_database()"),
                        "C UTF8");
    db_destroy(db);
    const char *process = arena_printf(fixture->arena, "/proc/%d", (int)postmaster_pid(fixture));
    assert_int_equal(stat(process, &info), 0);
    assert_int_not_equal(info.st_uid, 0);
}

static void a_second_server_on_the_same_directory_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct embedded_cluster *second = NULL;
    struct embedded_cluster_options options = {
        .data_directory = fixture->directory, .connections = 5, .without_durability = true};
    struct error error = {0};

    start(fixture);
    assert_int_equal(embedded_cluster_start(&options, &second, &error), E_SYSTEM);
    assert_non_null(strstr(error.text, "Another beffroi runs"));

    /* A tool uses what runs, and leaves it running. */
    options.may_share = true;
    assert_int_equal(embedded_cluster_start(&options, &second, &error), OK);
    struct db *db = db_create(embedded_cluster_conninfo(second));
    test_sql(db, "CREATE TABLE shared (i bigint)");
    db_destroy(db);
    embedded_cluster_stop(second);
    assert_int_equal(query_int(fixture, "SELECT count(*) FROM shared"), 0);
}

/* Starts the cluster in a process of its own, which dies by SIGKILL right after a commit. */
static void run_server_until_it_is_killed(struct fixture *fixture)
{
    int status;
    pid_t server = fork();

    if (server == 0) {
        start(fixture);
        run_sql(fixture, "CREATE TABLE IF NOT EXISTS kept (i bigint); INSERT INTO kept VALUES (1)");
        raise(SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(server, &status, 0), server);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void after_kill_9_of_the_server_the_next_start_has_all_data(void **state)
{
    struct fixture *fixture = *state;

    for (int64_t round = 1; round <= 3; round++) {
        run_server_until_it_is_killed(fixture);
        start(fixture);
        assert_int_equal(query_int(fixture, "SELECT count(*) FROM kept"), round);
        stop(fixture);
    }
}

static void after_kill_9_of_postgresql_it_comes_back_by_itself(void **state)
{
    struct fixture *fixture = *state;
    static const struct db_statement ask = {
        "test_ask", "SELECT pg_postmaster_start_time()::text, (SELECT sum(i)::bigint FROM kept)"};
    struct db_rows *before, *after;

    start(fixture);
    struct db *db = connect_to(fixture);
    test_sql(db, "CREATE TABLE kept (i bigint); INSERT INTO kept VALUES (7)");
    assert_int_equal(db_query(db, fixture->arena, &ask, NO_PARAMS, &before), OK);
    assert_int_equal(kill(postmaster_pid(fixture), SIGKILL), 0);
    /* The old backend may go on for a moment. meson's timeout ends a test that waits for ever. */
    while (db_query(db, fixture->arena, &ask, NO_PARAMS, &after) != OK ||
           strcmp(rows_text(before, 0, 0), rows_text(after, 0, 0)) == 0)
        continue;
    assert_int_equal(rows_int(after, 0, 1), 7);
    db_destroy(db);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void a_stale_process_number_does_not_hinder_the_start(void **state)
{
    struct fixture *fixture = *state;

    start(fixture);
    stop(fixture);
    /* As after a crash of a container: the number is now that of somebody else. */
    write_file(path_in(fixture, "data/postmaster.pid"),
               arena_printf(fixture->arena, "%d\n%s\n1700000000\n5432\n/tmp\n\n", (int)getpid(),
                            path_in(fixture, "data")));
    start(fixture);
}

static void an_interrupted_initdb_is_done_again(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(mkdir(arena_printf(fixture->arena, "%s/postgresql", fixture->directory), 0700),
                     0);
    assert_int_equal(mkdir(path_in(fixture, "data.new"), 0700), 0);
    assert_int_equal(mkdir(path_in(fixture, "data.new/base"), 0700), 0);
    write_file(path_in(fixture, "data.new/PG_VERSION"), "15\n");
    start(fixture);
    assert_int_not_equal(access(path_in(fixture, "data.new"), F_OK), 0);
}

static void a_path_longer_than_a_socket_address_works(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    const char *directory =
        arena_printf(fixture->arena, "%s/%0100d it's a long, odd name", fixture->directory, 0);

    if (start_in(fixture, directory, &error) != OK)
        fail_msg("%s", error.text);
    assert_int_equal(query_int(fixture, "SELECT 1::bigint"), 1);
}

static void a_missing_major_version_is_explained(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};

    start(fixture);
    stop(fixture);
    write_file(path_in(fixture, "data/PG_VERSION"), "14\n");
    assert_int_equal(start_in(fixture, fixture->directory, &error), E_SYSTEM);
    assert_non_null(strstr(error.text, "made by PostgreSQL 14"));
    assert_non_null(strstr(error.text, "apt-get install postgresql-14"));
}

static void a_cluster_that_does_not_start_says_why(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};

    start(fixture);
    stop(fixture);
    write_file(path_in(fixture, "data/postgresql.conf"), "no_such_setting = 1\n");
    assert_int_equal(start_in(fixture, fixture->directory, &error), E_SYSTEM);
    assert_non_null(strstr(error.text, "does not start"));
    assert_non_null(strstr(error.text, "postgresql.conf"));
}

static void a_foreign_folder_is_not_taken_for_a_cluster(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};

    assert_int_equal(mkdir(arena_printf(fixture->arena, "%s/postgresql", fixture->directory), 0700),
                     0);
    assert_int_equal(mkdir(path_in(fixture, "data"), 0700), 0);
    assert_int_equal(start_in(fixture, fixture->directory, &error), E_SYSTEM);
    /* As root it is the owner that is wrong. */
    assert_non_null(strstr(error.text, geteuid() == 0 ? "chown" : "PG_VERSION"));
}

#define CLUSTER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static int run_all(void)
{
    const struct CMUnitTest tests[] = {
        CLUSTER_TEST(what_was_stored_is_there_after_a_restart),
        CLUSTER_TEST(only_its_own_user_can_reach_it),
        CLUSTER_TEST(a_second_server_on_the_same_directory_is_refused),
        CLUSTER_TEST(after_kill_9_of_the_server_the_next_start_has_all_data),
        CLUSTER_TEST(after_kill_9_of_postgresql_it_comes_back_by_itself),
        CLUSTER_TEST(a_stale_process_number_does_not_hinder_the_start),
        CLUSTER_TEST(an_interrupted_initdb_is_done_again),
        CLUSTER_TEST(a_path_longer_than_a_socket_address_works),
        CLUSTER_TEST(a_missing_major_version_is_explained),
        CLUSTER_TEST(a_cluster_that_does_not_start_says_why),
        CLUSTER_TEST(a_foreign_folder_is_not_taken_for_a_cluster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* `--as-ordinary-user` gives up root first. */
int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--as-ordinary-user") == 0 && geteuid() == 0 &&
        (setresgid(ORDINARY_UID, ORDINARY_UID, ORDINARY_UID) != 0 ||
         setresuid(ORDINARY_UID, ORDINARY_UID, ORDINARY_UID) != 0))
        return 1;
    return run_all();
}
