#ifndef TESTS_SUPPORT_POSTGRES_H
#define TESTS_SUPPORT_POSTGRES_H

#include <stdint.h>

struct arena;
struct db;

/*
 * Databases of the private PostgreSQL cluster that tests/support/with-postgres has started. Every
 * test gets its own, copied from a template that is migrated once per cluster.
 * Nothing here fails: a test without its database stops with a message.
 */
struct test_database;

struct test_database *test_database_create(void);
struct test_database *test_database_create_empty(void); /* without our schema */
const char *test_database_conninfo(const struct test_database *database);

/* Drops it, with the connections that are still open. NULL is allowed. */
void test_database_destroy(struct test_database *database);

/* Closes all connections to the database, as an administrator would. */
void test_database_terminate_backends(struct test_database *database);

/*
 * What most storage tests need: cmocka_unit_test_setup_teardown(test, storage_setup,
 * storage_teardown) and then `struct storage_fixture *fixture = *state;`.
 */
struct storage_fixture {
    struct test_database *database;
    struct db *db;
    struct arena *arena;
};
int storage_setup(void **state);
int storage_setup_empty(void **state);
int storage_teardown(void **state);

/* For what a test needs beyond the functions under test. Stop with PostgreSQL's message on errors.
 */
void test_sql(struct db *db, const char *sql);
int64_t test_sql_int(struct db *db, const char *sql);
const char *test_sql_text(struct db *db, struct arena *arena, const char *sql);

#endif
