#ifndef TESTS_SUPPORT_ACCOUNTS_H
#define TESTS_SUPPORT_ACCOUNTS_H

#include <stdint.h>

#include "homeserver/base/error.h"
#include "homeserver/call.h"
#include "homeserver/services.h"
#include "tests/support/journal.h"

/* A database, a journal and what homeserver/accounts needs, with one hosted domain `test.example`
 * and cheap password hashes: cmocka_unit_test_setup_teardown(test, accounts_setup,
 * accounts_teardown) and then `struct accounts_fixture *fixture = *state;`. */
struct accounts_fixture {
    struct journal_fixture *journal;
    struct services services;
    struct error error;
    struct call call;
};
int accounts_setup(void **state);
int accounts_teardown(void **state);

/* An account with a password; its user_nid. */
int64_t test_account(struct accounts_fixture *fixture, const char *user_id, const char *password);

#endif
