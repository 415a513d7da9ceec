#include "homeserver/base/compiler.h"
#include "homeserver/protocol/server_name.h"
#include "tests/support/test.h"

static void valid_names_are_taken_apart(void **state)
{
    (void)state;
    const struct {
        const char *text, *host;
        enum server_host_kind kind;
        int port;
    } cases[] = {
        {"matrix.org", "matrix.org", SERVER_HOST_DNS, SERVER_NAME_NO_PORT},
        {"matrix.org:8888", "matrix.org", SERVER_HOST_DNS, 8888},
        {"1.2.3.4", "1.2.3.4", SERVER_HOST_IPV4, SERVER_NAME_NO_PORT},
        {"1.2.3.4:1234", "1.2.3.4", SERVER_HOST_IPV4, 1234},
        {"255.255.255.255", "255.255.255.255", SERVER_HOST_IPV4, SERVER_NAME_NO_PORT},
        {"[1234:5678::abcd]", "1234:5678::abcd", SERVER_HOST_IPV6, SERVER_NAME_NO_PORT},
        {"[1234:5678::abcd]:5678", "1234:5678::abcd", SERVER_HOST_IPV6, 5678},
        {"[::ffff:1.2.3.4]", "::ffff:1.2.3.4", SERVER_HOST_IPV6, SERVER_NAME_NO_PORT},
        {"localhost", "localhost", SERVER_HOST_DNS, SERVER_NAME_NO_PORT},
        {"1.2.3", "1.2.3", SERVER_HOST_DNS, SERVER_NAME_NO_PORT},
        {"1.2.3.4.5", "1.2.3.4.5", SERVER_HOST_DNS, SERVER_NAME_NO_PORT},
        {"1..3.4", "1..3.4", SERVER_HOST_DNS, SERVER_NAME_NO_PORT},
        {"1.2.3.4567", "1.2.3.4567", SERVER_HOST_DNS, SERVER_NAME_NO_PORT},
        {"MATRIX.org:65535", "MATRIX.org", SERVER_HOST_DNS, 65535},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct server_name name;
        assert_true(server_name_parse(cases[i].text, &name));
        assert_int_equal(name.kind, cases[i].kind);
        assert_int_equal(name.port, cases[i].port);
        assert_int_equal(name.host_length, strlen(cases[i].host));
        assert_memory_equal(name.host, cases[i].host, name.host_length);
    }
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    const char *const cases[] = {
        "",
        ":80",
        "example.org:",
        "example.org:123456",
        "example.org:65536",
        "exa mple",
        "ex_ample",
        "example.org:80:80",
        "example.org/path",
        "256.1.1.1",
        "1.2.3.999",
        "[::1",
        "::1",
        "[::1]x",
        "[]",
        "[1.2.3.4]",
        "[:::1]",
        "[g::1]",
        "[::1%eth0]",
        "exämple.org",
        "user@host",
        "http://a",
        "a:+1",
        "a: 1",
        "[1111:1111:1111:1111:1111:1111:1111:1111:11111111111]",
    };
    char longest[SERVER_NAME_BYTES_MAX + 2];

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_false(server_name_is_valid(cases[i]));
    assert_false(server_name_is_valid(NULL));
    memset(longest, 'a', sizeof(longest));
    longest[SERVER_NAME_BYTES_MAX] = '\0';
    assert_true(server_name_is_valid(longest));
    longest[SERVER_NAME_BYTES_MAX] = 'a';
    longest[SERVER_NAME_BYTES_MAX + 1] = '\0';
    assert_false(server_name_is_valid(longest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_names_are_taken_apart),
        cmocka_unit_test(everything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
