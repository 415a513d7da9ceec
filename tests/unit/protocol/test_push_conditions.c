#include "homeserver/base/arena.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/power_levels.h"
#include "homeserver/protocol/push_conditions.h"
#include "homeserver/protocol/room_version.h"
#include "tests/support/test.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_create();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static json_t *parse(const char *text)
{
    json_t *json;
    assert_int_equal(json_parse(arena, text, strlen(text), NULL, &json), OK);
    return json;
}

static const char MESSAGE[] =
    "{\"type\":\"m.room.message\",\"sender\":\"@alice:a\",\"room_id\":\"!r:a\","
    "\"state_key\":\"\",\"content\":{\"body\":\"An Example event, café\",\"msgtype\":\"m.text\","
    "\"n\":7,\"yes\":true,\"no\":false,\"nothing\":null,\"list\":[\"x\",7,true,null,{\"a\":1}],"
    "\"m.relates_to\":{\"rel_type\":\"m.thread\"},\"back\\\\slash\":\"here\",\"object\":{}}}";

static bool matches_for(const char *condition_json, struct push_person *person)
{
    const struct event event = {.room_id = "!r:a", .sender = "@alice:a", .json = parse(MESSAGE)};
    struct push_condition condition = push_condition_parse(arena, parse(condition_json));
    const struct power_levels levels = {
        .version = room_version_find("10"),
        .content = parse("{\"notifications\":{\"low\":10,\"odd\":\"x\"},"
                         "\"users\":{\"@alice:a\":40}}"),
    };
    struct push_context context;

    push_context_init(&context, arena, &event);
    context.member_count = 3;
    context.power_levels = &levels;
    return push_condition_matches(&condition, &context, person);
}

static bool matches(const char *condition_json)
{
    struct push_person person = {
        .user_id = "@bob:a", .display_name = "Event*", .steps_left = PUSH_STEPS_MAX};
    return matches_for(condition_json, &person);
}

struct example {
    const char *condition;
    bool matches;
};

static void check(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (matches(examples[i].condition) != examples[i].matches)
            fail_msg("%s should be %d", examples[i].condition, examples[i].matches);
    }
}

static void event_match_compares_strings(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"{\"kind\":\"event_match\",\"key\":\"type\",\"pattern\":\"m.room.*\"}", true},
        {"{\"kind\":\"event_match\",\"key\":\"type\",\"pattern\":\"M.ROOM.MESSAGE\"}", true},
        {"{\"kind\":\"event_match\",\"key\":\"type\",\"pattern\":\"m.room\"}", false},
        {"{\"kind\":\"event_match\",\"key\":\"room_id\",\"pattern\":\"!r:a\"}", true},
        {"{\"kind\":\"event_match\",\"key\":\"state_key\",\"pattern\":\"\"}", true},
        {"{\"kind\":\"event_match\",\"key\":\"content.body\",\"pattern\":\"ex*ple\"}", true},
        {"{\"kind\":\"event_match\",\"key\":\"content.body\",\"pattern\":\"CAFÉ\"}", true},
        {"{\"kind\":\"event_match\",\"key\":\"content.body\",\"pattern\":\"exam\"}", false},
        {"{\"kind\":\"event_match\",\"key\":\"content.msgtype\",\"pattern\":\"text\"}", false},
        {"{\"kind\":\"event_match\",\"key\":\"content.n\",\"pattern\":\"*\"}", false},
        {"{\"kind\":\"event_match\",\"key\":\"content.none\",\"pattern\":\"*\"}", false},
        {"{\"kind\":\"event_match\",\"key\":\"content.m\\\\.relates_to.rel_type\","
         "\"pattern\":\"m.thread\"}",
         true},
        {"{\"kind\":\"event_match\",\"key\":\"content.m.relates_to.rel_type\","
         "\"pattern\":\"m.thread\"}",
         false},
        {"{\"kind\":\"event_match\",\"key\":\"content.back\\\\\\\\slash\",\"pattern\":\"here\"}",
         true},
    };
    check(examples, COUNT_OF(examples));
}

static void event_property_is_compares_values_and_types(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"{\"kind\":\"event_property_is\",\"key\":\"content.n\",\"value\":7}", true},
        {"{\"kind\":\"event_property_is\",\"key\":\"content.n\",\"value\":\"7\"}", false},
        {"{\"kind\":\"event_property_is\",\"key\":\"content.n\",\"value\":7.0}", false},
        {"{\"kind\":\"event_property_is\",\"key\":\"content.yes\",\"value\":true}", true},
        {"{\"kind\":\"event_property_is\",\"key\":\"content.yes\",\"value\":false}", false},
        {"{\"kind\":\"event_property_is\",\"key\":\"content.no\",\"value\":false}", true},
        {"{\"kind\":\"event_property_is\",\"key\":\"content.nothing\",\"value\":null}", true},
        {"{\"kind\":\"event_property_is\",\"key\":\"content.none\",\"value\":null}", false},
        {"{\"kind\":\"event_property_is\",\"key\":\"content.msgtype\",\"value\":\"m.text\"}", true},
        {"{\"kind\":\"event_property_is\",\"key\":\"content.msgtype\",\"value\":\"M.TEXT\"}",
         false},
        {"{\"kind\":\"event_property_is\",\"key\":\"content.object\",\"value\":{}}", false},
        {"{\"kind\":\"event_property_is\",\"key\":\"content.msgtype\",\"value\":\"m\\u0000\"}",
         false},
    };
    check(examples, COUNT_OF(examples));
}

static void event_property_contains_looks_into_arrays(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"{\"kind\":\"event_property_contains\",\"key\":\"content.list\",\"value\":\"x\"}", true},
        {"{\"kind\":\"event_property_contains\",\"key\":\"content.list\",\"value\":7}", true},
        {"{\"kind\":\"event_property_contains\",\"key\":\"content.list\",\"value\":null}", true},
        {"{\"kind\":\"event_property_contains\",\"key\":\"content.list\",\"value\":\"y\"}", false},
        {"{\"kind\":\"event_property_contains\",\"key\":\"content.n\",\"value\":7}", false},
    };
    check(examples, COUNT_OF(examples));
}

static void room_member_count_knows_five_comparisons(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"{\"kind\":\"room_member_count\",\"is\":\"3\"}", true},
        {"{\"kind\":\"room_member_count\",\"is\":\"==3\"}", true},
        {"{\"kind\":\"room_member_count\",\"is\":\"==2\"}", false},
        {"{\"kind\":\"room_member_count\",\"is\":\"<4\"}", true},
        {"{\"kind\":\"room_member_count\",\"is\":\"<3\"}", false},
        {"{\"kind\":\"room_member_count\",\"is\":\">2\"}", true},
        {"{\"kind\":\"room_member_count\",\"is\":\">3\"}", false},
        {"{\"kind\":\"room_member_count\",\"is\":\"<=3\"}", true},
        {"{\"kind\":\"room_member_count\",\"is\":\">=4\"}", false},
        {"{\"kind\":\"room_member_count\",\"is\":\"\"}", false},
        {"{\"kind\":\"room_member_count\",\"is\":\"=3\"}", false},
        {"{\"kind\":\"room_member_count\",\"is\":\"3x\"}", false},
        {"{\"kind\":\"room_member_count\",\"is\":\"-3\"}", false},
        {"{\"kind\":\"room_member_count\",\"is\":\"<99999999999999999999\"}", false},
        {"{\"kind\":\"room_member_count\",\"is\":3}", false},
    };
    check(examples, COUNT_OF(examples));
}

static void sender_notification_permission_asks_the_power_levels(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"{\"kind\":\"sender_notification_permission\",\"key\":\"low\"}", true},
        {"{\"kind\":\"sender_notification_permission\",\"key\":\"room\"}", false},
        {"{\"kind\":\"sender_notification_permission\",\"key\":\"odd\"}", false},
        {"{\"kind\":\"sender_notification_permission\"}", false},
    };
    check(examples, COUNT_OF(examples));
}

static void what_is_unknown_or_malformed_never_matches(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"{\"kind\":\"device\",\"profile_tag\":\"x\"}", false},
        {"{\"kind\":\"org.example.future\"}", false},
        {"{\"kind\":\"\"}", false},
        {"{}", false},
        {"7", false},
        {"{\"kind\":\"event_match\",\"key\":\"type\"}", false},
        {"{\"kind\":\"event_match\",\"pattern\":\"*\"}", false},
        {"{\"kind\":\"event_match\",\"key\":7,\"pattern\":\"*\"}", false},
        {"{\"kind\":\"event_property_is\",\"value\":1}", false},
        {"{\"kind\":\"event_property_is\",\"key\":\"content.n\"}", false},
    };
    check(examples, COUNT_OF(examples));
}

static void the_display_name_is_text_and_not_a_pattern(void **state)
{
    (void)state;
    struct push_person person = {.display_name = "EVENT", .steps_left = PUSH_STEPS_MAX};
    static const char condition[] = "{\"kind\":\"contains_display_name\"}";

    assert_true(matches_for(condition, &person));
    person.display_name = "*";
    assert_false(matches_for(condition, &person));
    person.display_name = "";
    assert_false(matches_for(condition, &person));
    person.display_name = NULL;
    assert_false(matches_for(condition, &person));
}

static void an_exhausted_budget_matches_nothing(void **state)
{
    (void)state;
    struct push_person person = {.steps_left = 0};
    assert_false(matches_for("{\"kind\":\"room_member_count\",\"is\":\"3\"}", &person));
}

static void a_condition_without_parameters_is_written_as_such(void **state)
{
    (void)state;
    const struct {
        struct push_condition condition;
        const char *json;
    } examples[] = {
        {{.kind = PUSH_CONTAINS_DISPLAY_NAME}, "{\"kind\":\"contains_display_name\"}"},
        {{.kind = PUSH_ROOM_MEMBER_COUNT, .comparison = PUSH_LESS_EQUAL, .number = 9},
         "{\"is\":\"<=9\",\"kind\":\"room_member_count\"}"},
        {{.kind = PUSH_EVENT_PROPERTY_IS,
          .path = {(const char *const[]){"content", "a.b\\c"}, 2},
          .value_type = PUSH_VALUE_INTEGER,
          .number = 4},
         "{\"key\":\"content.a\\\\.b\\\\\\\\c\",\"kind\":\"event_property_is\",\"value\":4}"},
        {{.kind = PUSH_EVENT_PROPERTY_IS,
          .path = {(const char *const[]){"x"}, 1},
          .value_type = PUSH_VALUE_NULL},
         "{\"key\":\"x\",\"kind\":\"event_property_is\",\"value\":null}"},
    };

    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        json_t *json = push_condition_to_json(&examples[i].condition, "@me:a");
        char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
        assert_string_equal(text, examples[i].json);
        free(text);
        json_decref(json);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(event_match_compares_strings),
        TEST(event_property_is_compares_values_and_types),
        TEST(event_property_contains_looks_into_arrays),
        TEST(room_member_count_knows_five_comparisons),
        TEST(sender_notification_permission_asks_the_power_levels),
        TEST(what_is_unknown_or_malformed_never_matches),
        TEST(the_display_name_is_text_and_not_a_pattern),
        TEST(an_exhausted_budget_matches_nothing),
        TEST(a_condition_without_parameters_is_written_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
