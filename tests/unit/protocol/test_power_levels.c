#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/power_levels.h"
#include "homeserver/protocol/room_version.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

static const int64_t huge = POWER_LEVEL_INFINITE - 1;

static const struct spelling {
    const char *json;
    int first, last; /* room versions that read it as a level */
    int64_t level;
} spellings[] = {
    {"50", 1, 12, 50},
    {"-5", 1, 12, -5},
    {"9223372036854775807", 1, 12, INT64_MAX - 1},
    {"-9223372036854775808", 1, 12, -(INT64_MAX - 1)},
    {"'100'", 1, 9, 100},
    {"'000100'", 1, 9, 100},
    {"'+100'", 1, 9, 100},
    {"'-100'", 1, 9, -100},
    {"' \\t-0100 \\n'", 1, 9, -100},
    {"'99999999999999999999999'", 1, 9, INT64_MAX - 1},
    {"'-99999999999999999999999'", 1, 9, -(INT64_MAX - 1)},
    {"50.99", 1, 5, 50},
    {"-50.99", 1, 5, -50},
    {"5.114698E4", 1, 5, 51146},
    {"1e300", 1, 5, INT64_MAX - 1},
    {"-1e300", 1, 5, -(INT64_MAX - 1)},
    {"''", 1, 0, 0},
    {"' '", 1, 0, 0},
    {"'+'", 1, 0, 0},
    {"'1.5'", 1, 0, 0},
    {"'1 0'", 1, 0, 0},
    {"'+-1'", 1, 0, 0},
    {"'0x10'", 1, 0, 0},
    {"'1_000'", 1, 0, 0},
    {"'10\\u0000'", 1, 0, 0},
    {"true", 1, 0, 0},
    {"null", 1, 0, 0},
    {"[]", 1, 0, 0},
};

static void levels_are_spelled_as_the_room_version_allows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(spellings); i++) {
        const struct spelling *spelling = &spellings[i];
        json_t *value = build_json(spelling->json);
        for (size_t v = 0; v < room_version_count; v++) {
            int number = builders_version_number(&room_versions[v]);
            bool is_level = number >= spelling->first && number <= spelling->last;
            int64_t level = 7;
            assert_int_equal(power_level_parse(&room_versions[v], value, &level), is_level);
            assert_true(level == (is_level ? spelling->level : 7));
        }
        json_decref(value);
    }
    assert_true(huge < POWER_LEVEL_INFINITE);
}

static struct power_levels levels_from(struct arena *arena, const struct room_version *version,
                                       const char *create, const char *levels)
{
    const struct event_parts create_parts = {
        .event_id = "$c", .type = "m.room.create", .state_key = "", .content = create};
    const struct event_parts level_parts = {
        .event_id = "$p", .type = "m.room.power_levels", .state_key = "", .content = levels};

    return power_levels_of(version, build_event(arena, version, &create_parts),
                           levels != NULL ? build_event(arena, version, &level_parts) : NULL);
}

static void without_an_event_the_creator_has_100_and_the_defaults_hold(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();

    for (size_t v = 0; v < room_version_count; v++) {
        struct power_levels levels =
            levels_from(arena, &room_versions[v], "{'creator': '@c:one'}", NULL);
        const char *creator = room_versions[v].creator_in_content ? "@c:one" : "@a:one";
        const char *other = room_versions[v].creator_in_content ? "@a:one" : "@c:one";
        int64_t creators_level = room_versions[v].privileged_creators ? POWER_LEVEL_INFINITE : 100;

        assert_true(power_levels_user(&levels, creator) == creators_level);
        assert_int_equal(power_levels_user(&levels, other), 0);
        assert_int_equal(power_levels_send(&levels, "x", false), 0);
        assert_int_equal(power_levels_send(&levels, "x", true), 50);
        assert_int_equal(power_levels_action(&levels, POWER_BAN), 50);
        assert_int_equal(power_levels_action(&levels, POWER_KICK), 50);
        assert_int_equal(power_levels_action(&levels, POWER_REDACT), 50);
        assert_int_equal(power_levels_action(&levels, POWER_INVITE), 0);
        assert_int_equal(power_levels_notification(&levels, "room"), 50);
        levels.create = NULL;
        assert_int_equal(power_levels_user(&levels, creator), 0);
    }
}

static void the_event_says_who_may_do_what(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct power_levels levels = levels_from(
        arena, room_version_find("11"), "{}",
        "{'users': {'@b:one': 60}, 'users_default': 5, 'events': {'x': 1, 'y': 'nonsense'},"
        "'events_default': 2, 'state_default': 3, 'ban': 4, 'invite': 6, 'kick': [],"
        "'notifications': {'room': 7}}");

    assert_int_equal(power_levels_user(&levels, "@a:one"), 5);
    assert_int_equal(power_levels_user(&levels, "@b:one"), 60);
    assert_int_equal(power_levels_send(&levels, "x", true), 1);
    assert_int_equal(power_levels_send(&levels, "x", false), 1);
    assert_int_equal(power_levels_send(&levels, "y", true), 3);
    assert_int_equal(power_levels_send(&levels, "y", false), 2);
    assert_int_equal(power_levels_action(&levels, POWER_BAN), 4);
    assert_int_equal(power_levels_action(&levels, POWER_INVITE), 6);
    assert_int_equal(power_levels_action(&levels, POWER_KICK), 50);
    assert_int_equal(power_levels_notification(&levels, "room"), 7);
}

static void members_of_another_type_count_as_absent(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct power_levels levels =
        levels_from(arena, room_version_find("1"), "{}",
                    "{'users': [], 'users_default': {}, 'events': 5, 'events_default': 'x'}");

    assert_int_equal(power_levels_user(&levels, "@b:one"), 0);
    assert_int_equal(power_levels_send(&levels, "x", false), 0);
}

static void creators_of_v12_rooms_are_above_all_numbers(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct power_levels levels =
        levels_from(arena, room_version_find("12"), "{'additional_creators': [5, '@b:one']}",
                    "{'users': {'@c:one': 9007199254740991}, 'users_default': 1}");

    assert_true(power_levels_user(&levels, "@a:one") == POWER_LEVEL_INFINITE);
    assert_true(power_levels_user(&levels, "@b:one") == POWER_LEVEL_INFINITE);
    assert_true(power_levels_user(&levels, "@c:one") < POWER_LEVEL_INFINITE);
    assert_int_equal(power_levels_user(&levels, "@d:one"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_spelled_as_the_room_version_allows),
        cmocka_unit_test(without_an_event_the_creator_has_100_and_the_defaults_hold),
        cmocka_unit_test(the_event_says_who_may_do_what),
        cmocka_unit_test(members_of_another_type_count_as_absent),
        cmocka_unit_test(creators_of_v12_rooms_are_above_all_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
