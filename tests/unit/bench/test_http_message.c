/* How the load generator reads answers, whole and in pieces. */
#include "homeserver/base/compiler.h"
#include "tests/bench/http_loop.h"
#include "tests/support/test.h"

static int64_t read_message(char *buffer, size_t capacity, const char *text,
                            struct http_message *out)
{
    snprintf(buffer, capacity, "%s", text);
    return http_message_read(buffer, strlen(buffer), out);
}

static void every_prefix_of_an_answer_is_incomplete(void **state UNUSED)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    };
    char buffer[256];

    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct http_message message;
        for (size_t size = 0; size < strlen(answers[i]); size++) {
            snprintf(buffer, sizeof(buffer), "%s", answers[i]);
            assert_int_equal(http_message_read(buffer, size, &message), 0);
        }
        assert_int_equal(read_message(buffer, sizeof(buffer), answers[i], &message),
                         strlen(answers[i]));
        assert_int_equal(message.status, 200);
        assert_true(message.keep_alive);
        assert_int_equal(message.body_size, 5);
        assert_memory_equal(buffer + message.body_offset, "hello", 5);
    }
}

static void header_names_may_have_any_case(void **state UNUSED)
{
    struct http_message message;
    char buffer[256];

    assert_true(
        read_message(buffer, sizeof(buffer),
                     "HTTP/1.1 429 Slow\r\nconnection: close\r\ncontent-length:   2\r\n\r\n{}",
                     &message) > 0);
    assert_int_equal(message.status, 429);
    assert_false(message.keep_alive);
    assert_int_equal(message.body_size, 2);
}

static void what_is_not_http_is_refused(void **state UNUSED)
{
    struct http_message message;
    char buffer[256];

    assert_int_equal(
        read_message(buffer, sizeof(buffer), "SSH-2.0-OpenSSH_9.2p1\r\n\r\n", &message), -1);
    assert_int_equal(read_message(buffer, sizeof(buffer),
                                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "what\r\n0\r\n\r\n",
                                  &message),
                     -1);
}

static void an_answer_without_a_body_ends_with_its_head(void **state UNUSED)
{
    struct http_message message;
    char buffer[256];

    assert_int_equal(
        read_message(buffer, sizeof(buffer), "HTTP/1.1 204 No Content\r\n\r\n", &message), 27);
    assert_int_equal(message.body_size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_prefix_of_an_answer_is_incomplete),
        cmocka_unit_test(header_names_may_have_any_case),
        cmocka_unit_test(what_is_not_http_is_refused),
        cmocka_unit_test(an_answer_without_a_body_ends_with_its_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
