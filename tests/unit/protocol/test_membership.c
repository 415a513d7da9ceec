#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/membership.h"
#include "homeserver/protocol/room_version.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

static struct event *join_rules(struct arena *arena, const char *content)
{
    const struct event_parts parts = {
        .event_id = "$e", .type = "m.room.join_rules", .state_key = "", .content = content};

    return build_event(arena, room_version_find("12"), &parts);
}

static void memberships_have_names_both_ways(void **state)
{
    (void)state;
    static const char *const names[] = {"invite", "join", "knock", "leave", "ban"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_string_equal(membership_name(membership_parse(names[i])), names[i]);
    assert_int_equal(membership_parse("Join"), MEMBERSHIP_UNKNOWN);
    assert_int_equal(membership_parse(NULL), MEMBERSHIP_UNKNOWN);
    assert_string_equal(membership_name(MEMBERSHIP_NONE), "leave");
    assert_int_equal(membership_of(NULL), MEMBERSHIP_NONE);
}

static void join_rules_exist_from_their_version_on(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        int since;
        enum join_rule rule;
    } rules[] = {
        {"{'join_rule': 'public'}", 1, JOIN_RULE_PUBLIC},
        {"{'join_rule': 'invite'}", 1, JOIN_RULE_INVITE},
        {"{}", 1, JOIN_RULE_INVITE},
        {"{'join_rule': 'knock'}", 7, JOIN_RULE_KNOCK},
        {"{'join_rule': 'restricted'}", 8, JOIN_RULE_RESTRICTED},
        {"{'join_rule': 'knock_restricted'}", 10, JOIN_RULE_KNOCK_RESTRICTED},
        {"{'join_rule': 'private'}", 99, JOIN_RULE_UNKNOWN},
        {"{'join_rule': 'public\\u0000'}", 99, JOIN_RULE_UNKNOWN},
        {"{'join_rule': null}", 99, JOIN_RULE_UNKNOWN},
    };
    SCOPED(arena_release) struct arena *arena = arena_create();

    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        const struct event *event = join_rules(arena, rules[i].content);
        for (size_t v = 0; v < room_version_count; v++)
            assert_int_equal(join_rule_of(&room_versions[v], event),
                             builders_version_number(&room_versions[v]) >= rules[i].since
                                 ? rules[i].rule
                                 : JOIN_RULE_UNKNOWN);
    }
    assert_int_equal(join_rule_of(&room_versions[0], NULL), JOIN_RULE_INVITE);
}

static void only_conditions_that_are_understood_let_members_of_rooms_in(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *const *rooms;

    const struct event *event = join_rules(
        arena, "{'join_rule': 'restricted', 'allow': ["
               "{'type': 'm.room_membership', 'room_id': '!x:one'}, 5, {'type': 'm.other',"
               "'room_id': '!y:one'}, {'type': 'm.room_membership'},"
               "{'type': 'm.room_membership', 'room_id': '!z:one'}]}");
    assert_int_equal(join_rules_allowed_rooms(arena, event, &rooms), 2);
    assert_string_equal(rooms[0], "!x:one");
    assert_string_equal(rooms[1], "!z:one");
    assert_int_equal(join_rules_allowed_rooms(arena, join_rules(arena, "{'allow': 1}"), &rooms), 0);
    assert_int_equal(join_rules_allowed_rooms(arena, NULL, &rooms), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memberships_have_names_both_ways),
        cmocka_unit_test(join_rules_exist_from_their_version_on),
        cmocka_unit_test(only_conditions_that_are_understood_let_members_of_rooms_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
