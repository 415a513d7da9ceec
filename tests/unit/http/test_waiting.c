/* Requests that wait: long polls, answers held back until COMMIT, stopping while all that goes on.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "homeserver/base/clock.h"
#include "homeserver/base/metrics.h"
#include "homeserver/base/strbuf.h"
#include "tests/support/http_client.h"
#include "tests/unit/http/fixture.h"

static struct http_reply reply;

static int64_t next_key = 1; /* so that tests do not wake each other */
/* Long polls work the same on a worker and on the I/O thread. */
static const char *park_path = "/test/park";

static int choose_quick(void **state)
{
    (void)state;
    park_path = "/test/quick";
    return 0;
}

static int begin(const char *method, const char *target, const char *body)
{
    char text[1024];
    int fd = http_connect(test_port);

    snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: t\r\nContent-Length: %zu\r\n\r\n%s",
             method, target, strlen(body), body);
    http_send_text(fd, text);
    return fd;
}

static int begin_park(int64_t key, int64_t timeout_ms)
{
    char target[128];

    snprintf(target, sizeof(target), "%s?key=%lld&timeout=%lld", park_path, (long long)key,
             (long long)timeout_ms);
    return begin("GET", target, "");
}

static void await_handler(void)
{
    while (sem_wait(&test_handler_begun) != 0)
        ;
}

static void await_waiters(int count)
{
    while (test_waiter_count() != count)
        sched_yield();
}

static bool has_answer(int fd)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};

    return poll(&waiting, 1, 0) == 1;
}

static void finish(int fd, int status, const char *body)
{
    http_receive(fd, false, &reply);
    assert_int_equal(reply.status, status);
    if (body != NULL)
        assert_string_equal(reply.body, body);
    close(fd);
}

static void a_parked_request_is_woken(void **state)
{
    int64_t key = next_key++;
    int fd = begin_park(key, 30000);

    (void)state;
    await_handler();
    await_waiters(1);
    assert_false(has_answer(fd));
    test_wake(key);
    await_handler();
    finish(fd, 200, "{\"runs\":2,\"deadline\":false}");
    assert_int_equal(test_waiter_count(), 0);
}

static void a_parked_request_ends_at_its_deadline_and_is_forgotten(void **state)
{
    int64_t begun_ms = clock_monotonic_ms();
    int fd = begin_park(next_key++, 100);

    (void)state;
    await_handler();
    await_handler();
    finish(fd, 200, "{\"runs\":2,\"deadline\":true}");
    assert_true(clock_monotonic_ms() - begun_ms >= 99);
    assert_int_equal(test_waiter_count(), 0);
}

static void deadlines_fire_in_their_order(void **state)
{
    int fds[3];

    (void)state;
    fds[0] = begin_park(next_key++, 300);
    fds[1] = begin_park(next_key++, 100);
    fds[2] = begin_park(next_key++, 200);
    for (int i = 0; i < 6; i++)
        await_handler();
    finish(fds[1], 200, NULL);
    finish(fds[2], 200, NULL);
    finish(fds[0], 200, NULL);
}

static void the_socket_of_a_parked_request_lives_on(void **state)
{
    int64_t key = next_key++;
    int fd = begin_park(key, 30000);
    char target[256];

    (void)state;
    for (int i = 0; i < 50; i++) {
        await_handler();
        await_waiters(1);
        test_wake(key);
        await_handler();
        http_receive(fd, false, &reply);
        assert_int_equal(reply.status, 200);
        snprintf(target, sizeof(target), "GET %s?key=%lld&after=%d HTTP/1.1\r\nHost: t\r\n\r\n",
                 park_path, (long long)key, i + 1);
        http_send_text(fd, target);
    }
    await_handler();
    close(fd);
    await_waiters(0);
}

static void *wake_often(void *key)
{
    for (int i = 0; i < 3000; i++)
        test_wake(*(int64_t *)key);
    return NULL;
}

/* A lost wake-up would leave a request waiting for half a minute, which http_receive() refuses. */
static void no_wake_up_is_lost_while_requests_are_being_parked(void **state)
{
    int64_t key = next_key++;
    int fds[8];
    pthread_t waker;
    unsigned long long after = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        fds[i] = http_connect(test_port);
    pthread_create(&waker, NULL, wake_often, &key);
    for (int round = 0; round < 60; round++) {
        char text[160];
        snprintf(text, sizeof(text), "GET %s?key=%lld&after=%llu HTTP/1.1\r\nHost: t\r\n\r\n",
                 park_path, (long long)key, after);
        for (size_t i = 0; i < COUNT_OF(fds); i++)
            http_send_text(fds[i], text);
        if (++after > 2900)
            break;
        if (round >= 40) /* the waker may be done: then these wakes are the only ones */
            test_wake(key);
        for (size_t i = 0; i < COUNT_OF(fds); i++) {
            http_receive(fds[i], false, &reply);
            assert_int_equal(reply.status, 200);
        }
    }
    pthread_join(waker, NULL);
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        close(fds[i]);
    while (sem_trywait(&test_handler_begun) == 0)
        ;
}

static void a_client_that_hangs_up_is_noticed_while_it_is_parked(void **state)
{
    int fd = begin_park(next_key++, 30000);

    (void)state;
    await_handler();
    await_waiters(1);
    close(fd);
    await_waiters(0);
}

/* A parked request keeps its connection; only one that is given up lets it go. */
static void await_no_connections(void)
{
    bool none = false;

    while (!none) {
        SCOPED(strbuf_finish) struct strbuf text;
        strbuf_init(&text, 0);
        metrics_write(&text);
        none = strstr(text.data, "\nbeffroi_http_connections{} 0\n") != NULL;
        sched_yield();
    }
}

/* A client that sends its last request and closes may be gone before the request is parked. */
static void a_client_that_hangs_up_at_once_is_noticed_too(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        int64_t key = next_key++;
        int fd = begin_park(key, 30000);
        char target[128];
        await_handler();
        await_waiters(1);
        test_wake(key);
        await_handler();
        http_receive(fd, false, &reply);
        snprintf(target, sizeof(target), "GET %s?key=%lld&after=1 HTTP/1.1\r\nHost: t\r\n\r\n",
                 park_path, (long long)key);
        http_send_text(fd, target);
        close(fd);
        await_handler();
        await_no_connections();
    }
    assert_int_equal(test_waiter_count(), 0);
}

static void who_asks_the_database_on_the_io_thread_runs_again_on_a_worker(void **state)
{
    (void)state;
    finish(begin("GET", "/test/stored", ""), 200,
           "{\"runs\":2,\"absent\":false,\"unavailable\":true}");
}

static void an_answer_is_held_back_until_commit(void **state)
{
    int fd = begin("POST", "/test/commit", "{\"a\":1}");

    (void)state;
    await_handler();
    assert_false(has_answer(fd));
    test_commit(OK);
    finish(fd, 200, "{\"a\":1}");
}

static void a_failed_commit_is_answered_as_an_error(void **state)
{
    int fd = begin("POST", "/test/commit", "{\"a\":1}");

    (void)state;
    await_handler();
    test_commit(E_UNAVAILABLE);
    finish(fd, 503, NULL);
}

static void after_a_conflict_the_handler_runs_again_with_the_same_body(void **state)
{
    int fd = begin("POST", "/test/commit", "{\"a\":1}");

    (void)state;
    for (int i = 0; i < 3; i++) {
        await_handler();
        assert_false(has_answer(fd));
        test_commit(E_CONFLICT);
    }
    await_handler();
    test_commit(OK);
    finish(fd, 200, "{\"a\":1}");
}

static void after_five_conflicts_the_client_is_told_to_try_again(void **state)
{
    int fd = begin("POST", "/test/commit", "{\"a\":1}");

    (void)state;
    for (int i = 0; i < 5; i++) {
        await_handler();
        test_commit(E_CONFLICT);
    }
    finish(fd, 503, NULL);
}

static void stopping_ends_long_polls_and_finishes_what_runs(void **state)
{
    int parked = begin_park(next_key++, 60000);
    int slow = begin("GET", "/test/slow", "");
    int idle = http_connect(test_port);

    await_handler();
    await_handler();
    await_waiters(1);
    sem_post(&test_slow_gate);
    assert_int_equal(test_server_stop(state), 0);
    finish(parked, 200, "{\"runs\":2,\"deadline\":true}");
    finish(slow, 200, "{}");
    assert_true(http_is_closed(idle));
    close(idle);
    assert_int_equal(test_server_start(state), 0);
}

static void a_handler_that_hangs_is_told_apart_when_stopping(void **state)
{
    int slow = begin("GET", "/test/slow", "");

    await_handler();
    assert_false(http_server_drain(test_server, 50));
    sem_post(&test_slow_gate);
    finish(slow, 200, "{}");
    assert_int_equal(test_server_stop(state), 0);
    assert_int_equal(test_server_start(state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parked_request_is_woken),
        cmocka_unit_test(a_parked_request_ends_at_its_deadline_and_is_forgotten),
        cmocka_unit_test(deadlines_fire_in_their_order),
        cmocka_unit_test(the_socket_of_a_parked_request_lives_on),
        cmocka_unit_test(no_wake_up_is_lost_while_requests_are_being_parked),
        cmocka_unit_test(a_client_that_hangs_up_is_noticed_while_it_is_parked),
        cmocka_unit_test(a_client_that_hangs_up_at_once_is_noticed_too),
        cmocka_unit_test(who_asks_the_database_on_the_io_thread_runs_again_on_a_worker),
        cmocka_unit_test(an_answer_is_held_back_until_commit),
        cmocka_unit_test(a_failed_commit_is_answered_as_an_error),
        cmocka_unit_test(after_a_conflict_the_handler_runs_again_with_the_same_body),
        cmocka_unit_test(after_five_conflicts_the_client_is_told_to_try_again),
        cmocka_unit_test(stopping_ends_long_polls_and_finishes_what_runs),
        cmocka_unit_test(a_handler_that_hangs_is_told_apart_when_stopping),
        cmocka_unit_test_setup(a_parked_request_is_woken, choose_quick),
        cmocka_unit_test(a_parked_request_ends_at_its_deadline_and_is_forgotten),
        cmocka_unit_test(deadlines_fire_in_their_order),
        cmocka_unit_test(the_socket_of_a_parked_request_lives_on),
        cmocka_unit_test(no_wake_up_is_lost_while_requests_are_being_parked),
        cmocka_unit_test(a_client_that_hangs_up_is_noticed_while_it_is_parked),
        cmocka_unit_test(a_client_that_hangs_up_at_once_is_noticed_too),
        cmocka_unit_test(stopping_ends_long_polls_and_finishes_what_runs),
    };
    return cmocka_run_group_tests(tests, test_server_start, test_server_stop);
}
