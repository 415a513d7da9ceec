#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/history_visibility.h"
#include "homeserver/protocol/room_version.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

static struct event *state_event(struct arena *arena, const char *type, const char *key,
                                 const char *content)
{
    const struct event_parts parts = {
        .event_id = "$e", .type = type, .state_key = key, .content = content};

    return build_event(arena, room_version_find("11"), &parts);
}

static struct event *visibility_event(struct arena *arena, const char *value)
{
    const char *content = arena_printf(arena, "{'history_visibility': '%s'}", value);

    return state_event(arena, "m.room.history_visibility", "", content);
}

static struct event *member_event(struct arena *arena, const char *user_id, const char *membership)
{
    const char *content = arena_printf(arena, "{'membership': '%s'}", membership);

    return state_event(arena, "m.room.member", user_id, content);
}

static void values_that_are_not_understood_mean_shared(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();

    assert_int_equal(history_visibility_of(NULL), HISTORY_SHARED);
    assert_int_equal(history_visibility_of(visibility_event(arena, "secret")), HISTORY_SHARED);
    assert_int_equal(
        history_visibility_of(state_event(arena, "m.room.history_visibility", "", "{}")),
        HISTORY_SHARED);
    assert_int_equal(history_visibility_of(visibility_event(arena, "joined")), HISTORY_JOINED);
    assert_int_equal(history_visibility_of(visibility_event(arena, "invited")), HISTORY_INVITED);
    assert_int_equal(history_visibility_of(visibility_event(arena, "world_readable")),
                     HISTORY_WORLD_READABLE);
}

/* Rows of the specification's rules, for a message. */
static const struct {
    const char *visibility;
    enum membership membership;
    bool joined_later;
    bool visible;
} rows[] = {
    {"world_readable", MEMBERSHIP_NONE, false, true},
    {"world_readable", MEMBERSHIP_BAN, false, true},
    {"shared", MEMBERSHIP_JOIN, false, true},
    {"shared", MEMBERSHIP_NONE, false, false},
    {"shared", MEMBERSHIP_INVITE, false, false},
    {"shared", MEMBERSHIP_LEAVE, true, true},
    {"shared", MEMBERSHIP_BAN, true, true},
    {"invited", MEMBERSHIP_JOIN, false, true},
    {"invited", MEMBERSHIP_INVITE, false, true},
    {"invited", MEMBERSHIP_KNOCK, false, false},
    {"invited", MEMBERSHIP_LEAVE, true, false},
    {"invited", MEMBERSHIP_NONE, true, false},
    {"joined", MEMBERSHIP_JOIN, false, true},
    {"joined", MEMBERSHIP_INVITE, true, false},
    {"joined", MEMBERSHIP_LEAVE, true, false},
};

static void messages_follow_the_five_rules(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct event *message = state_event(arena, "m.text", NULL, "{}");

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct event_reader reader = {
            .visibility_before = visibility_event(arena, rows[i].visibility),
            .membership_before = rows[i].membership,
            .joined_later = rows[i].joined_later,
        };
        assert_int_equal(user_may_see_event(message, "@b:two", &reader), rows[i].visible);
        assert_int_equal(server_may_see_event(message, "two", &reader), rows[i].visible);
    }
}

static void changes_of_visibility_are_seen_from_both_sides(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct event *open = visibility_event(arena, "world_readable");
    const struct event *closed = visibility_event(arena, "joined");
    const struct event_reader after_open = {.visibility_before = open};
    const struct event_reader after_closed = {.visibility_before = closed};

    assert_true(user_may_see_event(open, "@b:two", &after_closed));
    assert_true(user_may_see_event(closed, "@b:two", &after_open));
    assert_false(user_may_see_event(closed, "@b:two", &after_closed));
    assert_true(server_may_see_event(open, "two", &after_closed));
}

static void own_membership_is_seen_from_both_sides(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct event_reader reader = {.visibility_before = visibility_event(arena, "joined")};

    assert_true(user_may_see_event(member_event(arena, "@b:two", "join"), "@b:two", &reader));
    assert_true(server_may_see_event(member_event(arena, "@b:two", "join"), "two", &reader));
    assert_false(user_may_see_event(member_event(arena, "@c:two", "join"), "@b:two", &reader));
    assert_false(server_may_see_event(member_event(arena, "@b:two", "join"), "three", &reader));
    assert_false(user_may_see_event(member_event(arena, "@b:two", "invite"), "@b:two", &reader));
    assert_false(server_may_see_event(member_event(arena, "nobody", "join"), "two", &reader));

    reader.membership_before = MEMBERSHIP_JOIN;
    assert_true(user_may_see_event(member_event(arena, "@b:two", "leave"), "@b:two", &reader));
    reader.visibility_before = visibility_event(arena, "invited");
    reader.membership_before = MEMBERSHIP_NONE;
    assert_true(user_may_see_event(member_event(arena, "@b:two", "invite"), "@b:two", &reader));
}

static void a_lost_invite_is_seen_by_who_had_it(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct event_reader reader = {.visibility_before = visibility_event(arena, "joined"),
                                        .membership_before = MEMBERSHIP_INVITE};

    assert_true(user_may_see_event(member_event(arena, "@b:two", "leave"), "@b:two", &reader));
    assert_true(user_may_see_event(member_event(arena, "@b:two", "ban"), "@b:two", &reader));
    assert_false(user_may_see_event(member_event(arena, "@c:two", "leave"), "@b:two", &reader));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_that_are_not_understood_mean_shared),
        cmocka_unit_test(messages_follow_the_five_rules),
        cmocka_unit_test(changes_of_visibility_are_seen_from_both_sides),
        cmocka_unit_test(own_membership_is_seen_from_both_sides),
        cmocka_unit_test(a_lost_invite_is_seen_by_who_had_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
