#include "homeserver/base/compiler.h"
#include "homeserver/protocol/json_scan.h"
#include "tests/support/test.h"

static void members_are_found_as_written(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":1,\"b\\\"\\\\\":\"}\\\",\",\"c\":{\"x\":[\"]}\",{}]},\"d\":[],"
        "\"\":-1.5e3}";
    static const char *const expected[][2] = {{"a", "1"},
                                              {"b\\\"\\\\", "\"}\\\",\""},
                                              {"c", "{\"x\":[\"]}\",{}]}"},
                                              {"d", "[]"},
                                              {"", "-1.5e3"}};
    struct json_scan scan;
    struct json_member member;

    json_scan_start(&scan, (struct json_span){text, sizeof(text) - 1});
    for (size_t i = 0; i < 5; i++) {
        assert_true(json_scan_next(&scan, &member));
        assert_true(json_span_equals(member.name, expected[i][0]));
        assert_true(json_span_equals(member.value, expected[i][1]));
    }
    assert_false(json_scan_next(&scan, &member));
    assert_false(scan.failed);
}

static void malformed_text_stops_the_scan(void **state)
{
    (void)state;
    static const char *const texts[] = {"",           "{",           "[]",           "x}",
                                        "{\"a}",      "{\"a\"}",     "{a:1}",        "{\"a\":}",
                                        "{\"a\":[}",  "{\"a\":\"x}", "{\"a\":{]]",   "{\"a\":1}}",
                                        "{\"a\" :1}", "{\"a\\}",     "{\"a\":[\"]}", "{\"a\":[]x}"};
    struct json_scan scan;
    struct json_member member;

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        json_scan_start(&scan, (struct json_span){texts[i], strlen(texts[i])});
        size_t rounds = 0;
        while (json_scan_next(&scan, &member))
            assert_true(++rounds < 10);
        if (!scan.failed)
            fail_msg("accepted: %s", texts[i]);
        assert_false(json_scan_next(&scan, &member));
    }
}

static void parts_are_cut_out_of_any_text(void **state)
{
    (void)state;
    static const char object[] =
        " { \"a\" : 1 ,\n\"b\":[1, 2]\t, \"c\" :\"}\" , \"d\":{ \"e\": [ ] } } rest";
    static const char *const members[][2] = {
        {"a", "1"}, {"b", "[1, 2]"}, {"c", "\"}\""}, {"d", "{ \"e\": [ ] }"}};
    static const char array[] = "[ {\"x\" : 1}\r\n, true , \"]\",-2]";
    static const char *const elements[] = {"{\"x\" : 1}", "true", "\"]\"", "-2"};
    struct json_parts parts;
    struct json_member member;

    json_parts_start(&parts, (struct json_span){object, sizeof(object) - 1});
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        assert_true(json_parts_next(&parts, &member));
        assert_true(json_span_equals(member.name, members[i][0]));
        assert_true(json_span_equals(member.value, members[i][1]));
    }
    assert_false(json_parts_next(&parts, &member));
    assert_false(parts.failed);
    json_parts_start(&parts, (struct json_span){array, sizeof(array) - 1});
    for (size_t i = 0; i < COUNT_OF(elements); i++) {
        assert_true(json_parts_next(&parts, &member));
        assert_int_equal(member.name.size, 0);
        assert_true(json_span_equals(member.value, elements[i]));
    }
    assert_false(json_parts_next(&parts, &member));
    assert_false(parts.failed);
}

static void malformed_text_stops_the_cutting(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",    " ",   "x",    "1",  "{",   "[",    "{\"a\"", "{\"a\"}", "{\"a\":", "{a:1}",
        "{,}", "[,]", "[1 2", "[1", "[1,", "[1,]", "[\"x]",  "[{]",     "{\"a\":1"};
    struct json_parts parts;
    struct json_member member;

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        json_parts_start(&parts, (struct json_span){texts[i], strlen(texts[i])});
        size_t rounds = 0;
        while (json_parts_next(&parts, &member))
            assert_true(++rounds < 10);
        if (!parts.failed)
            fail_msg("accepted: %s", texts[i]);
    }
}

static void comparing_keeps_the_order_of_canonical_json(void **state)
{
    (void)state;
    static const char *const before[] = {"", "Z", "\\n", "\\u001f", "a\\\\", "cont"};
    static const char *const after[] = {"d", "contents", "content_x", "é", "content\\\\"};

    for (size_t i = 0; i < COUNT_OF(before); i++)
        assert_true(json_span_compare((struct json_span){before[i], strlen(before[i])}, "content") <
                    0);
    for (size_t i = 0; i < COUNT_OF(after); i++)
        assert_true(json_span_compare((struct json_span){after[i], strlen(after[i])}, "content") >
                    0);
    assert_int_equal(json_span_compare((struct json_span){"content", 7}, "content"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_as_written),
        cmocka_unit_test(malformed_text_stops_the_scan),
        cmocka_unit_test(parts_are_cut_out_of_any_text),
        cmocka_unit_test(malformed_text_stops_the_cutting),
        cmocka_unit_test(comparing_keeps_the_order_of_canonical_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
