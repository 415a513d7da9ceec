#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/protocol/server_acl.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

static const struct {
    const char *acl;
    const char *server;
    bool allowed;
} rows[] = {
    {"{'allow': ['*']}", "one", true},
    {"{'allow': ['*']}", "not a server name", false},
    {"{'allow': ['*']}", "", false},
    {"{}", "one", false},
    {"{'allow': []}", "one", false},
    {"{'allow': 'one'}", "one", false},
    {"{'allow': [1, null, 'one']}", "one", true},
    {"{'allow': ['one\\u0000x']}", "one", false},
    {"{'allow': ['*'], 'deny': ['evil.com']}", "evil.com", false},
    {"{'allow': ['*'], 'deny': ['evil.com']}", "evil.com:8448", false},
    {"{'allow': ['*'], 'deny': ['evil.com']}", "EVIL.com", false},
    {"{'allow': ['*'], 'deny': ['EVIL.com']}", "evil.com", false},
    {"{'allow': ['*'], 'deny': ['evil.com']}", "sub.evil.com", true},
    {"{'allow': ['*'], 'deny': ['*.evil.com']}", "sub.evil.com", false},
    {"{'allow': ['*'], 'deny': ['*.evil.com']}", "evil.com", true},
    {"{'allow': ['*'], 'deny': 'evil.com'}", "evil.com", true},
    {"{'allow': ['?ne']}", "one", true},
    {"{'allow': ['?ne']}", "ne", false},
    {"{'allow': ['*']}", "1.2.3.4", true},
    {"{'allow': ['*'], 'allow_ip_literals': true}", "1.2.3.4", true},
    {"{'allow': ['*'], 'allow_ip_literals': 'no'}", "1.2.3.4", true},
    {"{'allow': ['*'], 'allow_ip_literals': false}", "1.2.3.4", false},
    {"{'allow': ['*'], 'allow_ip_literals': false}", "1.2.3.4:8448", false},
    {"{'allow': ['*'], 'allow_ip_literals': false}", "[::1]", false},
    {"{'allow': ['*'], 'allow_ip_literals': false}", "[::1]:8448", false},
    {"{'allow': ['*'], 'allow_ip_literals': false}", "one", true},
    {"{'allow': ['*'], 'deny': ['[[]::1]']}", "[::1]", true},
    {"{'allow': ['*'], 'deny': ['[::1]']}", "[::1]:80", false},
    {"{'allow': ['1.2.3.*']}", "1.2.3.4:5", true},
};

static void access_is_decided_in_the_order_of_the_specification(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct event_parts parts = {
            .event_id = "$e", .type = "m.room.server_acl", .state_key = "", .content = rows[i].acl};
        const struct event *acl = build_event(arena, room_version_find("11"), &parts);
        if (server_acl_allows(acl, rows[i].server) != rows[i].allowed)
            fail_msg("%s, %s", rows[i].acl, rows[i].server);
    }
}

static void a_room_without_an_acl_is_open_to_all(void **state)
{
    (void)state;
    assert_true(server_acl_allows(NULL, "one"));
    assert_true(server_acl_allows(NULL, "1.2.3.4"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_is_decided_in_the_order_of_the_specification),
        cmocka_unit_test(a_room_without_an_acl_is_open_to_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
