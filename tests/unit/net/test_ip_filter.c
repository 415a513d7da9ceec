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

static void an_address_is_in_its_networks_only(void **state)
{
    (void)state;
    const struct {
        const char *address, *network;
        bool is_in;
    } cases[] = {
        {"10.1.2.3", "10.0.0.0/8", true},
        {"11.1.2.3", "10.0.0.0/8", false},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.2", "127.0.0.1", false},
        {"127.0.0.2", "127.0.0.1/32", false},
        {"127.0.0.2", "127.0.0.0/30", true},
        {"127.0.0.4", "127.0.0.0/30", false},
        {"::1", "::1/128", true},
        {"fd12::1", "fd00::/8", true},
        {"fe80::1", "fd00::/8", false},
        {"::ffff:10.0.0.1", "10.0.0.0/8", false},
        {"10.0.0.1", "::/0", false},
        {"10.0.0.1", "10.0.0.0/33", false},
        {"10.0.0.1", "", false},
        {"localhost", "127.0.0.0/8", false},
        {"8.8.8.8", "0.0.0.0/0", true},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(ip_text_is_in(cases[i].address, cases[i].network), cases[i].is_in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_the_internet_are_public),
        cmocka_unit_test(special_addresses_are_not_public),
        cmocka_unit_test(text_that_is_no_address_is_not_public),
        cmocka_unit_test(an_address_is_in_its_networks_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
