/* HTTP itself: framing, limits, and clients that send nonsense. */
#include <unistd.h>

#include "tests/support/http_client.h"
#include "tests/unit/http/fixture.h"

static struct http_reply reply;

/* Sends text as it is on a new connection; the caller closes the descriptor. */
static int send_raw(const char *text)
{
    int fd = http_connect(test_port);

    http_send_text(fd, text);
    http_receive(fd, false, &reply);
    return fd;
}

static void assert_status_and_close(const char *text, int status)
{
    int fd = send_raw(text);

    if (reply.status != status)
        fprintf(stderr, "%d instead of %d for: %s\n", reply.status, status, text);
    assert_int_equal(reply.status, status);
    assert_true(http_is_closed(fd));
    close(fd);
}

static void connections_are_kept_alive(void **state)
{
    int fd = http_connect(test_port);

    (void)state;
    for (int i = 0; i < 20; i++) {
        http_send_text(fd, "POST /test/body HTTP/1.1\r\nHost: test\r\nContent-Length: 7\r\n\r\n"
                           "{\"a\":1}");
        http_receive(fd, false, &reply);
        assert_int_equal(reply.status, 200);
        assert_string_equal(reply.body, "{\"a\":1}");
    }
    close(fd);
}

static void pipelined_requests_are_answered_in_order_each_with_its_own(void **state)
{
    static const char *const tokens[] = {"alice", "guest"};
    static char requests[1000 * 128];
    char expected[64];
    size_t used = 0;
    int fd = http_connect(test_port);

    (void)state;
    for (int i = 0; i < 1000; i++)
        used += (size_t)snprintf(requests + used, sizeof(requests) - used,
                                 "GET /test/echo/%d HTTP/1.1\r\nHost: t\r\n"
                                 "Authorization: Bearer %s\r\n\r\n",
                                 i, tokens[i % 2]);
    pid_t sender = fork();
    if (sender == 0) {
        http_send(fd, requests, used);
        _exit(0);
    }
    for (int i = 0; i < 1000; i++) {
        http_receive(fd, false, &reply);
        snprintf(expected, sizeof(expected), "{\"word\":\"%d\",\"n\":7,\"user\":\"@%s:test\"", i,
                 tokens[i % 2]);
        assert_int_equal(reply.status, 200);
        assert_memory_equal(reply.body, expected, strlen(expected));
    }
    close(fd);
}

static void ambiguous_lengths_are_refused(void **state)
{
    static const char *const bad[] = {
        "Content-Length: +5\r\n",
        "Content-Length: 5,5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 123456789012345678901234567890\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        snprintf(text, sizeof(text), "POST /test/raw HTTP/1.1\r\nHost: t\r\n%s\r\nhello", bad[i]);
        int fd = send_raw(text);
        assert_true(reply.status == 400 || reply.status == 413);
        assert_true(http_is_closed(fd));
        close(fd);
    }
}

static void the_host_header_must_be_there_once(void **state)
{
    (void)state;
    assert_status_and_close("GET /test/page HTTP/1.1\r\n\r\n", 400);
    assert_status_and_close("GET /test/page HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400);
}

static void too_many_or_too_large_headers_are_refused(void **state)
{
    static char text[64000];
    size_t used = (size_t)snprintf(text, sizeof(text), "GET /test/page HTTP/1.1\r\nHost: t\r\n");

    (void)state;
    for (int i = 0; i < 120; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "X-%d: a\r\n", i);
    snprintf(text + used, sizeof(text) - used, "\r\n");
    assert_status_and_close(text, 431);

    used = (size_t)snprintf(text, sizeof(text), "GET /test/page HTTP/1.1\r\nHost: t\r\nX: ");
    memset(text + used, 'a', 40000);
    snprintf(text + used + 40000, sizeof(text) - used - 40000, "\r\n\r\n");
    int fd = send_raw(text);
    assert_true(reply.status == 431 || reply.status == 413 || reply.status == 0);
    close(fd);
}

static void a_body_beyond_the_limit_is_refused_before_it_is_read(void **state)
{
    (void)state;
    assert_status_and_close(
        "POST /test/body HTTP/1.1\r\nHost: t\r\nContent-Length: 99000000\r\n\r\n{", 413);
    assert_non_null(strstr(reply.body, "M_TOO_LARGE"));
}

static void a_client_that_expects_100_is_not_told_to_go_on_with_too_large_a_body(void **state)
{
    int fd = http_connect(test_port);
    char answer[13] = {0};

    (void)state;
    http_send_text(fd, "POST /test/body HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
                       "Content-Length: 2000000\r\n\r\n");
    assert_int_equal(read(fd, answer, 12), 12);
    assert_string_equal(answer, "HTTP/1.1 413");
    close(fd);
}

static void a_client_that_expects_100_gets_it(void **state)
{
    int fd = http_connect(test_port);

    (void)state;
    http_send_text(fd, "POST /test/body HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
                       "Content-Length: 7\r\n\r\n");
    char answer[26] = {0};
    assert_int_equal(read(fd, answer, 25), 25);
    assert_string_equal(answer, "HTTP/1.1 100 Continue\r\n\r\n");
    http_send_text(fd, "{\"a\":1}");
    http_receive(fd, false, &reply);
    assert_int_equal(reply.status, 200);
    close(fd);
}

static void a_small_body_nobody_wants_does_not_end_the_connection(void **state)
{
    int fd = http_connect(test_port);

    (void)state;
    for (int i = 0; i < 3; i++) {
        http_send_text(fd,
                       "PUT /nothing HTTP/1.1\r\nHost: t\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
        http_receive(fd, false, &reply);
        assert_int_equal(reply.status, 404);
    }
    close(fd);
}

static void chunked_bodies_are_read(void **state)
{
    (void)state;
    int fd = send_raw("POST /test/body HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "3\r\n{\"a\r\n4;x=y\r\n\":1}\r\n0\r\nAuthorization: Bearer alice\r\n\r\n");
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "{\"a\":1}");
    close(fd);
}

static void a_chunked_body_is_cut_at_the_limit(void **state)
{
    static char chunk[65536];
    int fd = http_connect(test_port);

    (void)state;
    memset(chunk, ' ', sizeof(chunk));
    http_send_text(fd, "POST /test/body HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 20; i++) {
        http_send_text(fd, "10000\r\n");
        http_send(fd, chunk, sizeof(chunk));
        http_send_text(fd, "\r\n");
    }
    http_send_text(fd, "0\r\n\r\n");
    http_receive(fd, false, &reply);
    assert_int_equal(reply.status, 413);
    close(fd);
}

static void an_endless_chunked_body_ends_the_connection(void **state)
{
    static char chunk[65536];
    int fd = http_connect(test_port);

    (void)state;
    http_send_text(fd, "POST /test/body HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 400; i++) {
        http_send_text(fd, "10000\r\n");
        http_send(fd, chunk, sizeof(chunk));
        http_send_text(fd, "\r\n");
    }
    http_receive(fd, false, &reply);
    assert_int_equal(reply.status, 0);
    close(fd);
}

static void broken_chunks_are_refused(void **state)
{
    static const char *const bad[] = {"FFFFFFFFFFFFFFFFF\r\nabc", "-1\r\nabc", "zz\r\nabc",
                                      "3\r\nabcdef\r\n0\r\n\r\n"};
    char text[256];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        snprintf(text, sizeof(text),
                 "POST /test/raw HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n%s",
                 bad[i]);
        int fd = send_raw(text);
        assert_true(reply.status == 400 || reply.status == 413 || reply.status == 0);
        assert_true(http_is_closed(fd));
        close(fd);
    }
}

static void clients_that_vanish_anywhere_do_no_harm(void **state)
{
    static const char text[] =
        "POST /test/body HTTP/1.1\r\nHost: t\r\nContent-Length: 70\r\n\r\n{\"a";

    (void)state;
    for (size_t cut = 0; cut < sizeof(text); cut++) {
        int fd = http_connect(test_port);
        http_send(fd, text, cut);
        close(fd);
    }
    http_request(test_port, "GET", "/test/page", NULL, NULL, &reply);
    assert_int_equal(reply.status, 200);
}

static void noise_is_refused(void **state)
{
    static const char *const noise[] = {"\x16\x03\x01\x02\x01\xfc\r\n\r\n", "GET\r\n\r\n",
                                        "GET / HTTP/9.9\r\nHost: t\r\n\r\n", "GET  /  \r\n\r\n"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(noise); i++) {
        int fd = http_connect(test_port);
        http_send_text(fd, noise[i]);
        http_receive(fd, false, &reply);
        assert_true(reply.status == 0 || reply.status >= 400);
        close(fd);
    }
}

/* ── Streaming ── */

enum { STREAM_PIECE_MAX = 65536 };

static void upload_in_pieces(size_t size, const char *query, bool chunked, size_t piece)
{
    static char bytes[STREAM_PIECE_MAX];
    char text[256];
    int fd = http_connect(test_port);

    memset(bytes, 1, sizeof(bytes));
    snprintf(text, sizeof(text), "PUT /test/upload%s HTTP/1.1\r\nHost: t\r\n", query);
    http_send_text(fd, text);
    if (chunked)
        snprintf(text, sizeof(text), "Transfer-Encoding: chunked\r\n\r\n");
    else
        snprintf(text, sizeof(text), "Content-Length: %zu\r\n\r\n", size);
    http_send_text(fd, text);
    while (size > 0) {
        size_t part = size < piece ? size : piece;
        snprintf(text, sizeof(text), "%zx\r\n", part);
        if (chunked)
            http_send_text(fd, text);
        http_send(fd, bytes, part);
        if (chunked)
            http_send_text(fd, "\r\n");
        size -= part;
    }
    if (chunked)
        http_send_text(fd, "0\r\n\r\n");
    http_receive(fd, false, &reply);
    close(fd);
}

static void upload(size_t size, const char *query, bool chunked)
{
    upload_in_pieces(size, query, chunked, 50000);
}

/* As large as what a worker takes at once: then a chunk ends where the buffer does. */
static void chunks_that_just_fill_the_buffer_arrive(void **state)
{
    (void)state;
    upload_in_pieces(4 << 20, "", true, STREAM_PIECE_MAX);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "{\"size\":4194304,\"sum\":4194304}");
}

static void a_stream_arrives_whole_and_in_pieces(void **state)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, 1000000, 4 << 20};
    char expected[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes) * 2; i++) {
        size_t size = sizes[i / 2];
        upload(size, "", i % 2 == 1);
        snprintf(expected, sizeof(expected), "{\"size\":%zu,\"sum\":%zu}", size, size);
        assert_int_equal(reply.status, 200);
        assert_string_equal(reply.body, expected);
    }
}

static void a_stream_that_is_too_large_is_refused(void **state)
{
    (void)state;
    upload((4 << 20) + 1, "", false);
    assert_int_equal(reply.status, 413);
    upload((4 << 20) + 1, "", true);
    assert_int_equal(reply.status, 413);
}

static void a_stream_can_be_refused_before_and_while_it_arrives(void **state)
{
    (void)state;
    upload(1000, "?refuse=1", false);
    assert_int_equal(reply.status, 403);
    upload(300000, "?refuse=1", false);
    assert_int_equal(reply.status, 403);
    upload(300000, "?fail=1", false);
    assert_int_equal(reply.status, 403);
    upload(300000, "?fail=1", true);
    assert_int_equal(reply.status, 403);
}

static void a_client_that_expects_100_learns_of_a_refusal_before_it_streams(void **state)
{
    int fd = http_connect(test_port);

    (void)state;
    http_send_text(fd, "PUT /test/upload?refuse=1 HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
                       "Content-Length: 2000000\r\n\r\n");
    char answer[13] = {0};
    assert_int_equal(read(fd, answer, 12), 12);
    assert_string_equal(answer, "HTTP/1.1 403");
    close(fd);
}

static void an_upload_that_breaks_off_is_cleaned_up(void **state)
{
    static char bytes[200000];
    int fd = http_connect(test_port);

    (void)state;
    http_send_text(fd, "PUT /test/upload HTTP/1.1\r\nHost: t\r\nContent-Length: 2000000\r\n\r\n");
    http_send(fd, bytes, sizeof(bytes));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_kept_alive),
        cmocka_unit_test(pipelined_requests_are_answered_in_order_each_with_its_own),
        cmocka_unit_test(ambiguous_lengths_are_refused),
        cmocka_unit_test(the_host_header_must_be_there_once),
        cmocka_unit_test(too_many_or_too_large_headers_are_refused),
        cmocka_unit_test(a_body_beyond_the_limit_is_refused_before_it_is_read),
        cmocka_unit_test(a_client_that_expects_100_is_not_told_to_go_on_with_too_large_a_body),
        cmocka_unit_test(a_client_that_expects_100_gets_it),
        cmocka_unit_test(a_small_body_nobody_wants_does_not_end_the_connection),
        cmocka_unit_test(chunked_bodies_are_read),
        cmocka_unit_test(a_chunked_body_is_cut_at_the_limit),
        cmocka_unit_test(an_endless_chunked_body_ends_the_connection),
        cmocka_unit_test(broken_chunks_are_refused),
        cmocka_unit_test(clients_that_vanish_anywhere_do_no_harm),
        cmocka_unit_test(noise_is_refused),
        cmocka_unit_test(a_stream_arrives_whole_and_in_pieces),
        cmocka_unit_test(chunks_that_just_fill_the_buffer_arrive),
        cmocka_unit_test(a_stream_that_is_too_large_is_refused),
        cmocka_unit_test(a_stream_can_be_refused_before_and_while_it_arrives),
        cmocka_unit_test(a_client_that_expects_100_learns_of_a_refusal_before_it_streams),
        cmocka_unit_test(an_upload_that_breaks_off_is_cleaned_up),
    };
    return cmocka_run_group_tests(tests, test_server_start, test_server_stop);
}
