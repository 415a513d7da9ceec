/* Rate limits and who they count; what else is rationed. */
#include <unistd.h>

#include "homeserver/http/client_ip.h"
#include "tests/support/http_client.h"
#include "tests/unit/http/fixture.h"

enum { WORKERS = 2 }; /* of each kind */

static struct http_reply reply;

static int status_of(const char *target, const char *headers)
{
    http_request(test_port, "GET", target, headers, NULL, &reply);
    return reply.status;
}

static void a_user_who_asks_too_often_is_told_when_to_come_back(void **state)
{
    static const char alice[] = "Authorization: Bearer alice\r\n";

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(status_of("/test/limited", alice), 200);
    assert_int_equal(status_of("/test/limited", alice), 429);
    assert_non_null(strstr(reply.body, "M_LIMIT_EXCEEDED"));
    assert_non_null(strstr(reply.body, "\"retry_after_ms\":"));
    long seconds = strtol(http_reply_header(&reply, "Retry-After"), NULL, 10);
    assert_in_range(seconds, 90, 100);
    assert_int_equal(status_of("/test/limited", "Authorization: Bearer admin\r\n"), 200);
}

static void application_services_that_say_so_are_not_limited(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(status_of("/test/limited", "Authorization: Bearer service\r\n"), 200);
}

static void logins_count_by_network_behind_a_trusted_proxy(void **state)
{
    (void)state;
    assert_int_equal(status_of("/test/login", "X-Forwarded-For: 2001:db8:1:1::1\r\n"), 200);
    assert_int_equal(status_of("/test/login", "X-Forwarded-For: 2001:db8:1:1::2\r\n"), 200);
    assert_int_equal(status_of("/test/login", "X-Forwarded-For: 2001:db8:1:1:ffff::3\r\n"), 429);
    assert_int_equal(status_of("/test/login", "X-Forwarded-For: 2001:db8:1:2::1\r\n"), 200);
    /* What the client wrote itself stands left of what the proxy added. */
    assert_int_equal(status_of("/test/login", "X-Forwarded-For: 192.0.2.9, 2001:db8:1:1::7\r\n"),
                     429);
}

static void what_waits_for_other_servers_holds_up_nobody_else(void **state)
{
    int fds[3];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = http_connect(test_port);
        http_send_text(fds[i], "GET /test/outward HTTP/1.1\r\nHost: t\r\n\r\n");
    }
    for (int i = 0; i < WORKERS; i++) {
        while (sem_wait(&test_handler_begun) != 0)
            ;
    }
    assert_int_equal(status_of("/test/page", NULL), 200);
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        sem_post(&test_slow_gate);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        http_receive(fds[i], false, &reply);
        assert_int_equal(reply.status, 200);
        close(fds[i]);
    }
}

static void the_client_is_the_first_that_no_trusted_proxy_vouches_for(void **state)
{
    static const char *const trusted[] = {"10.0.0.0/8", "::1", "192.0.2.1"};
    static const struct {
        const char *peer, *forwarded, *expected;
    } cases[] = {
        {"198.51.100.7", "1.2.3.4", "198.51.100.7"},
        {"10.1.2.3", NULL, "10.1.2.3"},
        {"10.1.2.3", "1.2.3.4", "1.2.3.4"},
        {"::1", "5.6.7.8, 1.2.3.4", "1.2.3.4"},
        {"::1", "5.6.7.8, 1.2.3.4 ,10.9.9.9", "1.2.3.4"},
        {"::1", "10.0.0.1,10.0.0.2", "10.0.0.1"},
        {"10.1.2.3", "nonsense", "10.1.2.3"},
        {"10.1.2.3", "1.2.3.4, nonsense", "10.1.2.3"},
        {"10.1.2.3", ",, ,", "10.1.2.3"},
        {"192.0.2.1", "::ffff:192.0.2.77", "192.0.2.77"},
        {"192.0.2.2", "1.2.3.4", "192.0.2.2"},
    };
    char out[INET6_ADDRSTRLEN];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        client_ip_resolve(cases[i].peer, cases[i].forwarded, trusted, COUNT_OF(trusted), out);
        assert_string_equal(out, cases[i].expected);
    }
}

static void networks_that_can_not_be_read_trust_nobody(void **state)
{
    static const char *const trusted[] = {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "", "10.0.0"};
    char out[INET6_ADDRSTRLEN];

    (void)state;
    client_ip_resolve("10.0.0.1", "1.2.3.4", trusted, COUNT_OF(trusted), out);
    assert_string_equal(out, "10.0.0.1");
}

static void ipv6_counts_by_64_bits_and_ipv4_by_address(void **state)
{
    char out[INET6_ADDRSTRLEN];

    (void)state;
    client_ip_network("2001:db8:1:2:3:4:5:6", out);
    assert_string_equal(out, "2001:db8:1:2::");
    client_ip_network("192.0.2.1", out);
    assert_string_equal(out, "192.0.2.1");
    client_ip_network("::ffff:192.0.2.1", out);
    assert_string_equal(out, "192.0.2.1");
}

static int set_up(void **state)
{
    size_t count = 0;

    test_settings[count++] = "rate_limits.enabled=true";
    test_settings[count++] = "rate_limits.other.per_second=0.01";
    test_settings[count++] = "rate_limits.other.burst=3";
    test_settings[count++] = "rate_limits.login.per_second=0.01";
    test_settings[count++] = "rate_limits.login.burst=2";
    test_settings[count++] = "trusted_proxies=[127.0.0.1]";
    test_settings[count++] = "limits.worker_threads=2";
    return test_server_start(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_who_asks_too_often_is_told_when_to_come_back),
        cmocka_unit_test(application_services_that_say_so_are_not_limited),
        cmocka_unit_test(logins_count_by_network_behind_a_trusted_proxy),
        cmocka_unit_test(what_waits_for_other_servers_holds_up_nobody_else),
        cmocka_unit_test(the_client_is_the_first_that_no_trusted_proxy_vouches_for),
        cmocka_unit_test(networks_that_can_not_be_read_trust_nobody),
        cmocka_unit_test(ipv6_counts_by_64_bits_and_ipv4_by_address),
    };
    return cmocka_run_group_tests(tests, set_up, test_server_stop);
}
