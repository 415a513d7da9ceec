/* Clients that are too slow, on purpose or not. */
#include <poll.h>
#include <unistd.h>

#include "homeserver/base/clock.h"
#include "tests/support/http_client.h"
#include "tests/unit/http/fixture.h"

enum {
    HEAD_MS = 200,
    BODY_MS = 250,
    KEEP_ALIVE_MS = 300,
    TRICKLE_MS = 20,
    PATIENCE_MS = 10000,
    /* Where the client is to be quick enough: it may not get a processor for a while. */
    LONG_BODY_MS = 2000
};

static struct http_reply reply;

static bool is_readable_within(int fd, int timeout_ms)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};

    return poll(&waiting, 1, timeout_ms) == 1;
}

/* Sends one byte again and again until the server has had enough; how long that took since
 * `begun_ms`, which is before the server's time begins. */
static int64_t trickle_until_closed(int fd, char byte, int64_t begun_ms)
{
    while (!is_readable_within(fd, TRICKLE_MS)) {
        assert_true(clock_monotonic_ms() - begun_ms < PATIENCE_MS);
        http_send(fd, &byte, 1);
    }
    assert_true(http_is_closed(fd));
    return clock_monotonic_ms() - begun_ms;
}

static void a_connection_that_sends_nothing_is_closed(void **state)
{
    int64_t begun_ms = clock_monotonic_ms();
    int fd = http_connect(test_port);

    (void)state;
    assert_true(http_is_closed(fd));
    assert_true(clock_monotonic_ms() - begun_ms >= HEAD_MS - 1);
    close(fd);
}

static void a_head_that_comes_byte_by_byte_is_cut_off(void **state)
{
    int64_t begun_ms = clock_monotonic_ms();
    int fd = http_connect(test_port);

    (void)state;
    http_send_text(fd, "GET /test/page HTTP/1.1\r\nHost: t\r\nX: ");
    assert_true(trickle_until_closed(fd, 'a', begun_ms) >= HEAD_MS - TRICKLE_MS);
    close(fd);
}

static void a_body_that_comes_byte_by_byte_is_cut_off(void **state)
{
    int64_t begun_ms = clock_monotonic_ms();
    int fd = http_connect(test_port);

    (void)state;
    http_send_text(fd, "POST /test/raw HTTP/1.1\r\nHost: t\r\nContent-Length: 9999\r\n\r\n");
    assert_true(trickle_until_closed(fd, 'a', begun_ms) >= BODY_MS - TRICKLE_MS);
    close(fd);
}

static void a_stream_that_comes_byte_by_byte_is_cut_off(void **state)
{
    int64_t begun_ms = clock_monotonic_ms();
    int fd = http_connect(test_port);

    (void)state;
    http_send_text(fd, "PUT /test/upload HTTP/1.1\r\nHost: t\r\nContent-Length: 999999\r\n\r\n");
    assert_true(trickle_until_closed(fd, 'a', begun_ms) >= BODY_MS - TRICKLE_MS);
    close(fd);
}

static void a_steady_upload_may_take_longer(void **state)
{
    enum { PARTS = 130, PART_BYTES = 1000 };
    char part[PART_BYTES] = {0};
    int fd = http_connect(test_port);

    (void)state;
    http_send_text(fd, "PUT /test/upload HTTP/1.1\r\nHost: t\r\nContent-Length: 130000\r\n\r\n");
    for (int i = 0; i < PARTS; i++) {
        http_send(fd, part, sizeof(part));
        assert_false(i + 1 < PARTS && is_readable_within(fd, TRICKLE_MS));
    }
    http_receive(fd, false, &reply);
    assert_int_equal(reply.status, 200);
    close(fd);
}

static void an_idle_connection_is_closed(void **state)
{
    int64_t begun_ms = clock_monotonic_ms();
    int fd = http_connect(test_port);

    (void)state;
    http_send_text(fd, "GET /test/page HTTP/1.1\r\nHost: t\r\n\r\n");
    http_receive(fd, false, &reply);
    assert_int_equal(reply.status, 200);
    assert_true(http_is_closed(fd));
    assert_true(clock_monotonic_ms() - begun_ms >= KEEP_ALIVE_MS - TRICKLE_MS);
    close(fd);
}

static void our_own_time_is_not_held_against_a_client(void **state)
{
    int fd = http_connect(test_port);

    (void)state;
    http_send_text(fd, "GET /test/park?timeout=900 HTTP/1.1\r\nHost: t\r\n\r\n");
    http_receive(fd, false, &reply);
    assert_int_equal(reply.status, 200);
    close(fd);
}

static int set_up(void **state)
{
    test_patience = (struct http_patience){HEAD_MS, BODY_MS, KEEP_ALIVE_MS};
    return test_server_start(state);
}

static int become_patient(void **state)
{
    int stopped = test_server_stop(state);

    test_patience.body_ms = LONG_BODY_MS;
    return stopped != 0 ? stopped : test_server_start(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_that_sends_nothing_is_closed),
        cmocka_unit_test(a_head_that_comes_byte_by_byte_is_cut_off),
        cmocka_unit_test(a_body_that_comes_byte_by_byte_is_cut_off),
        cmocka_unit_test(a_stream_that_comes_byte_by_byte_is_cut_off),
        cmocka_unit_test(an_idle_connection_is_closed),
        cmocka_unit_test(our_own_time_is_not_held_against_a_client),
        cmocka_unit_test_setup(a_steady_upload_may_take_longer, become_patient),
    };
    return cmocka_run_group_tests(tests, set_up, test_server_stop);
}
