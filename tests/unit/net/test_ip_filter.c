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

/* N-05: the first and the last address of each range that is not the internet's, and their
 * neighbours that are. Ranges whose addresses stand for an IPv4 address are as public as that one.
 */
static void ranges_end_where_they_should(void **state)
{
    (void)state;
    const struct {
        const char *before, *first, *last, *after; /* NULL: not public either */
    } ranges[] = {
        {NULL, "0.0.0.0", "0.255.255.255", "1.0.0.0"},
        {"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
        {"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
        {"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
        {"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
        {"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
        {"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
        {"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
        {"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
        {"223.255.255.255", "224.0.0.0", "255.255.255.255", NULL},
        {NULL, "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
        {NULL, "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"},
        {"2001:db7:ffff::", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
        {"2002:900:1::", "2002:a00::", "2002:aff:ffff:ffff:ffff:ffff:ffff:ffff", "2002:b00::"},
        {"3ffe:ffff::", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"},
        {NULL, "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
        {NULL, "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
        {NULL, "fe80::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
        {"::ffff:9.255.255.255", "::ffff:10.0.0.0", "::ffff:10.255.255.255", "::ffff:11.0.0.0"},
        {"64:ff9b::126.255.255.255", "64:ff9b::127.0.0.0", "64:ff9b::127.255.255.255",
         "64:ff9b::128.0.0.0"},
    };

    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        assert_false(ip_text_is_public(ranges[i].first));
        assert_false(ip_text_is_public(ranges[i].last));
        assert_true(ranges[i].before == NULL || ip_text_is_public(ranges[i].before));
        assert_true(ranges[i].after == NULL || ip_text_is_public(ranges[i].after));
    }
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
        cmocka_unit_test(ranges_end_where_they_should),
        cmocka_unit_test(text_that_is_no_address_is_not_public),
        cmocka_unit_test(an_address_is_in_its_networks_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
