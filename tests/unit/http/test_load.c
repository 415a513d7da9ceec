/*
 * Many connections at once. 128 events in one epoll_wait() make libmicrohttpd's own polling thread
 * hang; our loop must not. Thousands of long polls must wait for nothing and all wake.
 */
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "homeserver/base/clock.h"
#include "tests/support/http_client.h"
#include "tests/unit/http/fixture.h"

enum { CONNECTIONS_MAX = 5000, PATIENCE_MS = 10000 };

static int fds[CONNECTIONS_MAX];
static struct pollfd polls[CONNECTIONS_MAX];

static void connect_all(int count)
{
    for (int i = 0; i < count; i++)
        fds[i] = http_connect(test_port);
}

static void close_all(int count)
{
    for (int i = 0; i < count; i++)
        close(fds[i]);
}

static void expect_200(int fd)
{
    static const char expected[] = "HTTP/1.1 200";
    char answer[4096];

    /* Answers here are small: one read has all of it. */
    ssize_t got = read(fd, answer, sizeof(answer));
    assert_true(got > (ssize_t)strlen(expected));
    assert_memory_equal(answer, expected, strlen(expected));
}

/* Each connection sends its next request as soon as it has an answer: with `count` of them, bursts
 * of exactly `count` events are common. */
static void run_closed_loop(int count, int total)
{
    static const char request[] = "GET /test/echo/a HTTP/1.1\r\nHost: t\r\n\r\n";
    int sent = 0, received = 0;

    connect_all(count);
    for (int i = 0; i < count; i++, sent++) {
        polls[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
        http_send_text(fds[i], request);
    }
    while (received < total) {
        assert_true(poll(polls, (nfds_t)count, PATIENCE_MS) > 0);
        for (int i = 0; i < count; i++) {
            if ((polls[i].revents & POLLIN) == 0)
                continue;
            expect_200(fds[i]);
            received++;
            if (sent < total) {
                http_send_text(fds[i], request);
                sent++;
            }
        }
    }
    close_all(count);
}

static void closed_loops_never_stall(void **state)
{
    static const int counts[] = {127, 128, 129, 256, 384};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        run_closed_loop(counts[i], 2000);
}

static void await_waiters(int count)
{
    int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;

    while (test_waiter_count() != count) {
        assert_true(clock_monotonic_ms() < until_ms);
        sched_yield();
    }
}

static void send_parks(int count)
{
    char text[128];

    for (int i = 0; i < count; i++) {
        snprintf(text, sizeof(text),
                 "GET /test/park?key=%d&timeout=60000 HTTP/1.1\r\nHost: t\r\n\r\n", i % 1000);
        http_send_text(fds[i], text);
    }
    for (int i = 0; i < count; i++) {
        while (sem_wait(&test_handler_begun) != 0)
            ;
    }
    await_waiters(count);
}

static int parked_count(void)
{
    struct rlimit limit;

    /* Both ends of each connection are in this process. */
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > 2 * CONNECTIONS_MAX + 500 ? CONNECTIONS_MAX
                                                      : (int)(limit.rlim_cur / 2 - 250);
}

static int64_t resident_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long long total, resident;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lld %lld", &total, &resident), 2);
    fclose(file);
    return resident * 4;
}

/* While thousands wait, others are served without delay. */
static void serve_others(void)
{
    static struct http_reply reply;

    for (int i = 0; i < 100; i++) {
        http_request(test_port, "GET", "/test/echo/a", NULL, NULL, &reply);
        assert_int_equal(reply.status, 200);
    }
}

static void thousands_of_long_polls_wait_and_all_wake(void **state)
{
    int count = parked_count();
    int gone = count / 5;
    int64_t before_kib = resident_kib();

    (void)state;
    connect_all(count);
    send_parks(count);
    printf("# %d parked, %lld KiB each\n", count, (long long)(resident_kib() - before_kib) / count);
    serve_others();

    for (int i = 0; i < gone; i++)
        close(fds[i]);
    await_waiters(count - gone);

    int64_t begun_ms = clock_monotonic_ms();
    test_wake_all();
    for (int i = gone; i < count; i++) {
        struct pollfd waiting = {.fd = fds[i], .events = POLLIN};
        assert_int_equal(poll(&waiting, 1, PATIENCE_MS), 1);
        expect_200(fds[i]);
        close(fds[i]);
    }
    printf("# all woken in %lld ms\n", (long long)(clock_monotonic_ms() - begun_ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_loops_never_stall),
        cmocka_unit_test(thousands_of_long_polls_wait_and_all_wake),
    };
    return cmocka_run_group_tests(tests, test_server_start, test_server_stop);
}
