#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/json.h"
#include "tests/support/test.h"

struct vector {
    const char *input, *canonical;
};

static enum errcode write_text(const char *input, enum canonical_json_rules rules,
                               struct strbuf *out)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *json;

    assert_int_equal(json_parse(arena, input, strlen(input), NULL, &json), OK);
    return canonical_json_write(json, rules, out, NULL);
}

static void assert_vector(const struct vector *vector, enum canonical_json_rules rules)
{
    SCOPED(strbuf_finish) struct strbuf out;

    strbuf_init(&out, 0);
    assert_int_equal(write_text(vector->input, rules, &out), OK);
    assert_string_equal(out.data, vector->canonical);
}

static void canonical_json_follows_the_examples_of_the_appendix(void **state)
{
    (void)state;
    const struct vector vectors[] = {
        {"{}", "{}"},
        {"{ \"one\": 1, \"two\": \"Two\" }", "{\"one\":1,\"two\":\"Two\"}"},
        {"{ \"b\": \"2\", \"a\": \"1\" }", "{\"a\":\"1\",\"b\":\"2\"}"},
        {"{\"b\":\"2\",\"a\":\"1\"}", "{\"a\":\"1\",\"b\":\"2\"}"},
        {"{\"auth\":{\"success\":true,\"mxid\":\"@john.doe:example.com\",\"profile\":{"
         "\"display_name\":\"John Doe\",\"three_pids\":[{\"medium\":\"email\",\"address\":"
         "\"john.doe@example.org\"},{\"medium\":\"msisdn\",\"address\":\"123456789\"}]}}}",
         "{\"auth\":{\"mxid\":\"@john.doe:example.com\",\"profile\":{\"display_name\":\"John Doe\","
         "\"three_pids\":[{\"address\":\"john.doe@example.org\",\"medium\":\"email\"},{\"address\":"
         "\"123456789\",\"medium\":\"msisdn\"}]},\"success\":true}}"},
        {"{\"a\": \"日本語\"}", "{\"a\":\"日本語\"}"},
        {"{\"本\": 2, \"日\": 1}", "{\"日\":1,\"本\":2}"},
        {"{\"a\": \"\\u65E5\"}", "{\"a\":\"日\"}"},
        {"{\"a\": null}", "{\"a\":null}"},
        {"{\"a\": -0}", "{\"a\":0}"},
    };

    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        assert_vector(&vectors[i], CANONICAL_JSON_STRICT);
        assert_vector(&vectors[i], CANONICAL_JSON_LEGACY);
    }
}

static void canonical_json_writes_the_shortest_escapes(void **state)
{
    (void)state;
    const struct vector vectors[] = {
        {"\"\\b\\t\\n\\f\\r\\\"\\\\\\/\"", "\"\\b\\t\\n\\f\\r\\\"\\\\/\""},
        {"\"\\u0000\\u000B\\u001F\\u007F\"", "\"\\u0000\\u000b\\u001f\x7f\""},
        {"\"\\ud83d\\ude00\"", "\"😀\""},
        {"[false,true,[],{}]", "[false,true,[],{}]"},
    };

    for (size_t i = 0; i < COUNT_OF(vectors); i++)
        assert_vector(&vectors[i], CANONICAL_JSON_STRICT);
}

static void canonical_json_sorts_members_by_code_point(void **state)
{
    (void)state;
    /* U+FF21 sorts before U+1F600, although its UTF-16 form would sort after; a prefix first. */
    const struct vector vector = {"{\"😀\":1,\"Ａ\":2,\"aa\":3,\"a\":4,\"\":5,\"B\":6,\"a0\":7}",
                                  "{\"\":5,\"B\":6,\"a\":4,\"a0\":7,\"aa\":3,\"Ａ\":2,\"😀\":1}"};

    assert_vector(&vector, CANONICAL_JSON_STRICT);
}

static void canonical_json_keeps_large_objects_in_order(void **state)
{
    (void)state;
    SCOPED(strbuf_finish) struct strbuf out;
    json_t *json = json_object();
    char key[16], expected[16];

    for (int i = 999; i >= 0; i--) {
        snprintf(key, sizeof(key), "%03d", i);
        json_object_set_new(json, key, json_pack("{s:[i]}", "n", i));
    }
    strbuf_init(&out, 0);
    assert_int_equal(canonical_json_write(json, CANONICAL_JSON_STRICT, &out, NULL), OK);
    const char *position = out.data;
    for (int i = 0; i < 1000; i++) {
        snprintf(expected, sizeof(expected), "\"%03d\":{\"n\":[%d]}", i, i);
        position = strstr(position, expected);
        assert_non_null(position);
    }
    json_decref(json);
}

static void strict_canonical_json_rejects_floats_and_large_integers(void **state)
{
    (void)state;
    SCOPED(strbuf_finish) struct strbuf out;
    const char *const refused[] = {
        "1.0", "1e10", "-0.0", "9007199254740992", "-9007199254740992", "{\"a\":[{\"b\":1.5}]}"};
    const struct vector allowed = {"[9007199254740991,-9007199254740991]",
                                   "[9007199254740991,-9007199254740991]"};

    strbuf_init(&out, 0);
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_int_equal(write_text(refused[i], CANONICAL_JSON_STRICT, &out), M_BAD_JSON);
    assert_vector(&allowed, CANONICAL_JSON_STRICT);
}

static void legacy_canonical_json_prints_floats_as_python_does(void **state)
{
    (void)state;
    const struct vector vectors[] = {
        {"0.0", "0.0"},
        {"-0.0", "-0.0"},
        {"1.0", "1.0"},
        {"-1.50", "-1.5"},
        {"0.1", "0.1"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"1e10", "10000000000.0"},
        {"123456.789", "123456.789"},
        {"1e15", "1000000000000000.0"},
        {"1234567890123456.7", "1234567890123456.8"},
        {"1e16", "1e+16"},
        {"1.5e16", "1.5e+16"},
        {"1e22", "1e+22"},
        {"1e100", "1e+100"},
        {"0.0001", "0.0001"},
        {"0.00012", "0.00012"},
        {"0.00001", "1e-05"},
        {"1.25e-7", "1.25e-07"},
        {"5e-324", "5e-324"},
        {"1.7976931348623157e308", "1.7976931348623157e+308"},
        {"5.282945311356653e269", "5.282945311356653e+269"}, /* 2^896 */
        {"99999.99999999999e10", "999999999999999.9"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
    };

    for (size_t i = 0; i < COUNT_OF(vectors); i++)
        assert_vector(&vectors[i], CANONICAL_JSON_LEGACY);
}

static void canonical_json_leaves_out_members_of_the_top_level_only(void **state)
{
    (void)state;
    SCOPED(strbuf_finish) struct strbuf out;
    const char *const omitted[] = {"unsigned", "signatures", NULL};
    json_t *json = json_pack("{s:{}, s:i, s:{s:{}}}", "unsigned", "b", 1, "a", "unsigned");

    strbuf_init(&out, 0);
    assert_int_equal(canonical_json_write_without(json, omitted, CANONICAL_JSON_STRICT, &out, NULL),
                     OK);
    assert_string_equal(out.data, "{\"a\":{\"unsigned\":{}},\"b\":1}");
    json_decref(json);
}

static void canonical_json_refuses_deep_nesting_and_full_buffers(void **state)
{
    (void)state;
    SCOPED(strbuf_finish) struct strbuf out;
    struct error error = {0};
    json_t *json = json_array();

    strbuf_init(&out, 150);
    for (int i = 0; i < JSON_NESTING_MAX; i++) {
        json_t *outer = json_object();
        json_object_set_new(outer, "a", json);
        json = outer;
    }
    assert_int_equal(canonical_json_write(json, CANONICAL_JSON_LEGACY, &out, &error), M_TOO_LARGE);
    strbuf_finish(&out);
    strbuf_init(&out, 0);
    assert_int_equal(canonical_json_write(json, CANONICAL_JSON_LEGACY, &out, &error), M_BAD_JSON);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_json_follows_the_examples_of_the_appendix),
        cmocka_unit_test(canonical_json_writes_the_shortest_escapes),
        cmocka_unit_test(canonical_json_sorts_members_by_code_point),
        cmocka_unit_test(canonical_json_keeps_large_objects_in_order),
        cmocka_unit_test(strict_canonical_json_rejects_floats_and_large_integers),
        cmocka_unit_test(legacy_canonical_json_prints_floats_as_python_does),
        cmocka_unit_test(canonical_json_leaves_out_members_of_the_top_level_only),
        cmocka_unit_test(canonical_json_refuses_deep_nesting_and_full_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
