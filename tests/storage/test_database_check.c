#include <unistd.h>

#include "homeserver/base/arena.h"
#include "storage/database_check.h"
#include "storage/db.h"
#include "storage/migrate.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

static void assert_refused(enum errcode code, const struct error *error, const char *word)
{
    assert_int_equal(code, E_SYSTEM);
    if (strstr(error->text, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error->text, word);
}

static void a_server_that_loses_data_is_refused(void **state)
{
    struct storage_fixture *fixture = *state;
    struct error error = {0};

    /* The cluster of the tests has fsync and full_page_writes off. */
    assert_refused(database_check_server(fixture->db, false, &error), &error, "fsync=on");
    assert_int_equal(database_check_server(fixture->db, true, &error), OK);
}

static void a_database_in_another_encoding_is_refused(void **state)
{
    struct storage_fixture *fixture = *state;
    struct error error = {0};
    const char *name = arena_printf(fixture->arena, "latin_%d", (int)getpid());

    test_sql(fixture->db, arena_printf(fixture->arena,
                                       "CREATE DATABASE %s TEMPLATE template0 ENCODING 'LATIN1' "
                                       "LOCALE 'C'",
                                       name));
    struct db *db = db_create(arena_printf(fixture->arena, "%s dbname=%s",
                                           test_database_conninfo(fixture->database), name));
    assert_refused(database_check_server(db, true, &error), &error, "UTF8");
    db_destroy(db);
    test_sql(fixture->db, arena_printf(fixture->arena, "DROP DATABASE %s", name));
}

static void an_unreachable_server_is_named_as_such(void **state)
{
    (void)state;
    struct error error = {0};
    struct db *db = db_create("host=/nonexistent");

    assert_int_equal(database_check_server(db, true, &error), E_UNAVAILABLE);
    assert_non_null(strstr(error.text, "/nonexistent"));
    db_destroy(db);
}

static void our_schema_passes_even_where_the_default_collation_is_foreign(void **state)
{
    struct storage_fixture *fixture = *state;
    struct error error = {0};
    const char *name = arena_printf(fixture->arena, "icu_%d", (int)getpid());

    test_sql(fixture->db, arena_printf(fixture->arena,
                                       "CREATE DATABASE %s TEMPLATE template0 "
                                       "LOCALE_PROVIDER icu ICU_LOCALE 'en'",
                                       name));
    struct db *db = db_create(arena_printf(fixture->arena, "%s dbname=%s",
                                           test_database_conninfo(fixture->database), name));
    assert_int_equal(migrate(db, &error), OK);
    enum errcode code = database_check_collations(db, &error);
    if (code != OK)
        fail_msg("%s", error.text);

    test_sql(db, "CREATE TABLE bad (word text PRIMARY KEY)");
    assert_refused(database_check_collations(db, &error), &error, "bad_pkey");
    db_destroy(db);
    test_sql(fixture->db, arena_printf(fixture->arena, "DROP DATABASE %s", name));
}

static void an_index_with_a_foreign_collation_is_refused(void **state)
{
    struct storage_fixture *fixture = *state;
    struct error error = {0};

    assert_int_equal(database_check_collations(fixture->db, &error), OK);
    test_sql(fixture->db, "CREATE INDEX bad ON users (user_id COLLATE \"en-x-icu\")");
    assert_refused(database_check_collations(fixture->db, &error), &error, "en-x-icu");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_server_that_loses_data_is_refused, storage_setup_empty,
                                        storage_teardown),
        cmocka_unit_test_setup_teardown(a_database_in_another_encoding_is_refused,
                                        storage_setup_empty, storage_teardown),
        cmocka_unit_test(an_unreachable_server_is_named_as_such),
        cmocka_unit_test_setup_teardown(
            our_schema_passes_even_where_the_default_collation_is_foreign, storage_setup_empty,
            storage_teardown),
        cmocka_unit_test_setup_teardown(an_index_with_a_foreign_collation_is_refused, storage_setup,
                                        storage_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
