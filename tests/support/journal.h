#ifndef TESTS_SUPPORT_JOURNAL_H
#define TESTS_SUPPORT_JOURNAL_H

#include "homeserver/base/error.h"
#include "tests/support/postgres.h"

struct journal;
struct journal_entry;

/* A storage fixture with a running journal: cmocka_unit_test_setup_teardown(test, journal_setup,
 * journal_teardown) and then `struct journal_fixture *fixture = *state;`. */
struct journal_fixture {
    struct storage_fixture *storage;
    struct db *db;
    struct arena *arena;
    struct journal *journal;
};
int journal_setup(void **state);
int journal_teardown(void **state);

/* Submits one entry and waits for its fate. journal_commit() returns the position it got and stops
 * the test when it failed. */
enum errcode journal_try(struct journal_fixture *fixture, struct journal_entry *entry_owned);
int64_t journal_commit(struct journal_fixture *fixture, struct journal_entry *entry_owned);

#endif
