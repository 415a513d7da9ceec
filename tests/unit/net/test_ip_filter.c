#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "homeserver/base/compiler.h"
#include "homeserver/net/ip_filter.h"
#include "tests/support/test.h"

static void addresses_of_the_internet_are_public(void **state)
{
    (void)state;
    const char *const cases[] = {
        "1.1.1.1",        "9.255.255.255",        "11.0.0.0",         "100.63.255.255",
        "100.128.0.0",    "126.255.255.255",      "128.0.0.1",        "169.253.255.255",
        "172.15.255.255", "172.32.0.0",           "192.0.1.1",        "192.167.255.255",
        "192.169.0.0",    "198.17.255.255",       "198.20.0.0",       "223.255.255.255",
        "2606:4700::1",   "2a00:1450:4001::200e", "2001:200::1",      "3ffe:ffff::1",
        "::ffff:1.1.1.1", "2002:0101:0101::1",    "64:ff9b::8.8.8.8",
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_true(ip_text_is_public(cases[i]));
}

static void special_addresses_are_not_public(void **state)
{
    (void)state;
    const char *const cases[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "2002:7f00:0001::1",
        "2002:0a00:0001::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2001:10::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_false(ip_text_is_public(cases[i]));
}

static void text_that_is_no_address_is_not_public(void **state)
{
    (void)state;
    const char *const cases[] = {"", "localhost", "1.2.3", "1.2.3.4:80", "[::1]", "0x7f.1"};

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_false(ip_text_is_public(cases[i]));
}

static void socket_addresses_are_judged_by_family(void **state)
{
    (void)state;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_un local = {.sun_family = AF_UNIX};

    inet_pton(AF_INET, "1.1.1.1", &v4.sin_addr);
    assert_true(ip_address_is_public((const struct sockaddr *)&v4));
    inet_pton(AF_INET, "127.0.0.1", &v4.sin_addr);
    assert_false(ip_address_is_public((const struct sockaddr *)&v4));
    inet_pton(AF_INET6, "2606:4700::1", &v6.sin6_addr);
    assert_true(ip_address_is_public((const struct sockaddr *)&v6));
    assert_false(ip_address_is_public((const struct sockaddr *)&local));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_the_internet_are_public),
        cmocka_unit_test(special_addresses_are_not_public),
        cmocka_unit_test(text_that_is_no_address_is_not_public),
        cmocka_unit_test(socket_addresses_are_judged_by_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
