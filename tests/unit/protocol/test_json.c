#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "tests/support/test.h"

static enum errcode parse(struct arena *arena, const char *text, json_t **out)
{
    struct error error = {0};

    return json_parse(arena, text, strlen(text), &error, out);
}

static void parsing_refuses_what_is_not_json(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *const refused[] = {"",    "{",    "{\"a\":1}x", "\"\\ud800\"", "\"\xff\"",
                                   "nul", "[1,]", "01",         "NaN",         "Infinity"};
    json_t *json;

    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_int_equal(parse(arena, refused[i], &json), M_NOT_JSON);
}

static void parsing_refuses_what_is_ambiguous(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *const refused[] = {"{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "1e999",
                                   "12345678901234567890123456", "{\"\\u0000\":1}"};
    json_t *json;

    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_int_equal(parse(arena, refused[i], &json), M_BAD_JSON);
}

static void parsing_accepts_any_value_and_nul_in_strings(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *json;

    assert_int_equal(parse(arena, " [null, \"a\\u0000b\", 9223372036854775807] ", &json), OK);
    assert_int_equal(json_string_length(json_array_get(json, 1)), 3);
    assert_false(json_is_text(json_array_get(json, 1)));
    assert_false(json_is_text(json_array_get(json, 0)));
    assert_true(json_integer_value(json_array_get(json, 2)) == INT64_MAX);
    assert_int_equal(parse(arena, "\"text\"", &json), OK);
    assert_true(json_is_text(json));
}

static void parsing_stops_at_a_hundred_levels(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    char text[2 * (JSON_NESTING_MAX + 1)];
    const size_t levels = JSON_NESTING_MAX;
    struct error error = {0};
    json_t *json;

    memset(text, '[', levels);
    memset(text + levels, ']', levels);
    assert_int_equal(json_parse(arena, text, 2 * levels, &error, &json), OK);
    memset(text, '[', levels + 1);
    memset(text + levels + 1, ']', levels + 1);
    assert_int_equal(json_parse(arena, text, 2 * levels + 2, &error, &json), M_BAD_JSON);
    assert_non_null(strstr(error.text, "100"));

    /* Brackets in strings do not count, escaped quotes do not end them. */
    memset(text, '[', sizeof(text));
    memcpy(text, "\"\\\"", 3);
    text[sizeof(text) - 1] = '"';
    assert_int_equal(json_parse(arena, text, sizeof(text), &error, &json), OK);
}

static void parsing_an_object_refuses_other_values(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *json;

    assert_int_equal(json_parse_object(arena, "[]", 2, NULL, &json), M_BAD_JSON);
    assert_int_equal(json_parse_object(arena, "{", 1, NULL, &json), M_NOT_JSON);
    assert_int_equal(json_parse_object(arena, "{}", 2, NULL, &json), OK);
    assert_null(json_on_arena(arena, NULL));
}

static void getters_give_members_of_the_right_type_only(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *json;
    int64_t number = 5;

    assert_int_equal(parse(arena,
                           "{\"s\":\"x\",\"o\":{},\"a\":[],\"i\":-7,\"r\":1.5,\"t\":true,"
                           "\"nul\":\"a\\u0000b\"}",
                           &json),
                     OK);
    assert_string_equal(json_get_string(json, "s"), "x");
    assert_null(json_get_string(json, "nul"));
    assert_null(json_get_string(json, "o"));
    assert_null(json_get_string(json, "absent"));
    assert_null(json_get_string(NULL, "s"));
    assert_non_null(json_get_object(json, "o"));
    assert_null(json_get_object(json, "a"));
    assert_non_null(json_get_array(json, "a"));
    assert_null(json_get_array(json, "o"));
    assert_false(json_get_int(json, "r", &number));
    assert_int_equal(number, 5);
    assert_true(json_get_int(json, "i", &number));
    assert_int_equal(number, -7);
    assert_true(json_get_bool(json, "t", false));
    assert_true(json_get_bool(json, "s", true));
}

static void required_members_are_named_when_they_are_missing(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *json, *member;
    struct error error = {0};
    const char *text;
    int64_t number;

    assert_int_equal(parse(arena, "{\"s\":\"x\",\"o\":{},\"a\":[],\"i\":1}", &json), OK);
    assert_int_equal(json_require_string(json, "s", &error, &text), OK);
    assert_int_equal(json_require_object(json, "o", &error, &member), OK);
    assert_int_equal(json_require_array(json, "a", &error, &member), OK);
    assert_int_equal(json_require_int(json, "i", &error, &number), OK);
    assert_int_equal(json_require_string(json, "wanted", &error, &text), M_BAD_JSON);
    assert_non_null(strstr(error.text, "\"wanted\""));
    assert_int_equal(json_require_object(json, "s", &error, &member), M_BAD_JSON);
    assert_int_equal(json_require_array(json, "s", &error, &member), M_BAD_JSON);
    assert_int_equal(json_require_int(json, "s", &error, &number), M_BAD_JSON);
}

static void dotted_paths_follow_the_examples_of_the_appendix(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct {
        const char *path, *value;
    } cases[] = {
        {"m\\.foo", "1"},
        {"m\\.foo.bar", NULL},
        {"content.body", "text"},
        {"content.m\\.relates_to.rel_type", "m.thread"},
        {"content.back\\\\slash", "b"},
        {"content.\\x", "kept"},
        {"content.", "empty"},
        {"content.missing.deeper", NULL},
        {"", NULL},
        {"content.body.deeper", NULL},
    };
    json_t *json;

    assert_int_equal(parse(arena,
                           "{\"m.foo\":\"1\",\"content\":{\"body\":\"text\",\"\":\"empty\","
                           "\"\\\\x\":\"kept\",\"back\\\\slash\":\"b\","
                           "\"m.relates_to\":{\"rel_type\":\"m.thread\"}}}",
                           &json),
                     OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *value = json_path_get(json, json_path_parse(arena, cases[i].path));
        if (cases[i].value == NULL)
            assert_null(value);
        else
            assert_string_equal(json_string_value(value), cases[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing_refuses_what_is_not_json),
        cmocka_unit_test(parsing_refuses_what_is_ambiguous),
        cmocka_unit_test(parsing_accepts_any_value_and_nul_in_strings),
        cmocka_unit_test(parsing_stops_at_a_hundred_levels),
        cmocka_unit_test(parsing_an_object_refuses_other_values),
        cmocka_unit_test(getters_give_members_of_the_right_type_only),
        cmocka_unit_test(required_members_are_named_when_they_are_missing),
        cmocka_unit_test(dotted_paths_follow_the_examples_of_the_appendix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
