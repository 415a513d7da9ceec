#include "homeserver/base/arena.h"
#include "homeserver/protocol/foreign_json.h"
#include "homeserver/protocol/json.h"
#include "tests/support/test.h"

static void numbers_beyond_all_are_half_and_the_rest_is_as_it_was(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"{\"a\":9223372036854775807,\"b\":-9223372036854775808}",
         "{\"a\":9223372036854775807,\"b\":-9223372036854775808}"},
        {"{\"a\":9223372036854775808,\"b\":1}", "{\"a\":0.5,\"b\":1}"},
        {"{\"a\":[-9223372036854775809,2]}", "{\"a\":[0.5,2]}"},
        {"{\"a\":1e999,\"b\":-1.5E+400,\"c\":1e-999,\"d\":1e30}",
         "{\"a\":0.5,\"b\":0.5,\"c\":0.0,\"d\":1e30}"},
        {"{\"a\":\"99999999999999999999\",\"\\\"99999999999999999999\":99999999999999999999}",
         "{\"a\":\"99999999999999999999\",\"\\\"99999999999999999999\":0.5}"},
    };
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct error error = {0};
    json_t *json;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *text = cases[i].text;
        assert_int_equal(json_parse_foreign(arena, text, strlen(text), &error, &json), OK);
        assert_string_equal(json_compact(arena, json), cases[i].expected);
    }
    static const char *const still_refused[] = {
        "{\"a\":01}", "{\"a\":99999999999999999999", "{\"a\":99999999999999999999-}",
        "[1e999]",    "{\"a\":1e999,\"a\":1}",       "{\"a\":NaN}"};
    for (size_t i = 0; i < COUNT_OF(still_refused); i++)
        assert_int_not_equal(
            json_parse_foreign(arena, still_refused[i], strlen(still_refused[i]), &error, &json),
            OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_beyond_all_are_half_and_the_rest_is_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
