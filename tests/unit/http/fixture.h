#ifndef TESTS_UNIT_HTTP_FIXTURE_H
#define TESTS_UNIT_HTTP_FIXTURE_H

#include <semaphore.h>
#include <stdint.h>

#include "tests/support/test.h"

/* cmocka's has no argument; the one of homeserver/base/error.h is needed by the handlers here. */
#undef fail

#include "homeserver/http/request.h"
#include "homeserver/http/server.h"

/*
 * An HTTP server with handlers that do what the tests need, on a free port of 127.0.0.1.
 * Tokens: "alice", "guest", "locked", "suspended", "admin", "service"; others are unknown.
 */
extern struct http_server *test_server;
extern uint16_t test_port;

/* More "section.key=value" settings, ending in NULL; set before test_server_start(). Without them
 * there is one plain listener for clients, rate limits are off and a body may have 1 MiB. */
enum { TEST_SETTINGS_MAX = 16 };
extern const char *test_settings[TEST_SETTINGS_MAX];

extern struct http_patience test_patience;

int test_server_start(void **state);
/* Drains (which must succeed) and destroys. */
int test_server_stop(void **state);

/* /test/slow waits until this is posted, once per request. */
extern sem_t test_slow_gate;
/* Counts the runs of /test/slow, /test/park and /test/conflict handlers that have begun. */
extern sem_t test_handler_begun;

/* What /test/park waits for: the key is the number in its path. */
void test_wake(int64_t key);
void test_wake_all(void);
/* Waiters that are registered right now. */
int test_waiter_count(void);

/* The groups of /test/commit requests that wait: ends the oldest with this outcome. */
void test_commit(enum errcode outcome);

#endif
