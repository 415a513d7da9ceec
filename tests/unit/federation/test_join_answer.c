#include "federation/receiver/join_answer.h"
#include "federation/receiver/pdu_intake.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/json.h"
#include "tests/support/test.h"

static enum errcode read_text(struct arena *arena, const char *text, struct join_answer *out)
{
    struct error error = {0};

    return join_answer_read(arena, "two", (struct json_span){text, strlen(text)}, &error, out);
}

static void parts_are_cut_in_any_order_and_spacing(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct join_answer answer;

    assert_int_equal(read_text(arena,
                               " { \"servers_in_room\" : [\"a\" ] ,\n\"state\":[ {\"x\":\"]\"} ],"
                               "\"other\":[[[1]]],\"event\":{\"depth\":5},\"auth_chain\":[],"
                               "\"members_omitted\": true } ",
                               &answer),
                     OK);
    assert_true(json_span_equals(answer.servers, "[\"a\" ]"));
    assert_true(json_span_equals(answer.state, "[ {\"x\":\"]\"} ]"));
    assert_true(json_span_equals(answer.auth_chain, "[]"));
    assert_true(answer.members_omitted);
    assert_int_equal(json_integer_value(json_object_get(answer.event, "depth")), 5);
    assert_int_equal(read_text(arena, "{\"state\":[],\"auth_chain\":[{}]}", &answer), OK);
    assert_null(answer.event);
    assert_false(answer.members_omitted);
    assert_int_equal(answer.servers.size, 0);
    assert_int_equal(read_text(arena,
                               "{\"state\":[],\"auth_chain\":[],\"members_omitted\":\"true\","
                               "\"event\":null,\"servers_in_room\":7}",
                               &answer),
                     OK);
    assert_null(answer.event);
    assert_false(answer.members_omitted);
}

static void what_is_no_answer_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "null",
        "[]",
        "{",
        "{}",
        "[{\"state\":[],\"auth_chain\":[]}]",
        "{\"state\":[]}",
        "{\"state\":{},\"auth_chain\":[]}",
        "{\"state\":[],\"auth_chain\":\"[]\"}",
        "{\"state\":[],\"auth_chain\":[]",
        "{\"state\":[],\"auth_chain\":[",
        "{\"state\":[],\"auth_chain\":[],\"state\":[{}]}",
        "{\"state\":[],\"auth_chain\":[],\"members_omitted\":true,\"members_omitted\":false}",
        "{\"state\":[],\"auth_chain\":[],\"event\":{\"a\":1,\"a\":2}}",
        "{\"state\":[],\"auth_chain\":[],\"event\":{\"a\":}}",
        "{\"state\":[],\"auth_chain\":[],\"event\":{\"a\":\"\xff\"}}",
        "{\"state\":[],\"auth_chain\":[],\"event\":{\"a\":99999999999999999999}}",
    };
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct join_answer answer;

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (read_text(arena, texts[i], &answer) != E_REMOTE)
            fail_msg("accepted: %s", texts[i]);
    }
}

/* A tree takes many times what its text does: nothing that is parsed may be as large as it likes,
 * nor nested as deeply. */
static void nothing_large_or_deep_is_parsed(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    SCOPED(strbuf_finish) struct strbuf text;
    struct join_answer answer;

    strbuf_init(&text, 0);
    strbuf_add_string(&text, "{\"state\":[],\"auth_chain\":[],\"event\":{\"a\":[0");
    for (size_t i = 0; i < EVENT_TEXT_BYTES_MAX / 2; i++)
        strbuf_add_string(&text, ",0");
    strbuf_add_string(&text, "]}}");
    assert_int_equal(read_text(arena, text.data, &answer), OK);
    assert_null(answer.event);
    strbuf_truncate(&text, 0);
    strbuf_add_string(&text, "{\"state\":[");
    for (size_t i = 0; i < 1000000; i++)
        strbuf_add_char(&text, '[');
    for (size_t i = 0; i < 1000000; i++)
        strbuf_add_char(&text, ']');
    strbuf_add_string(&text, "],\"auth_chain\":[]}");
    assert_int_equal(read_text(arena, text.data, &answer), OK);
    assert_int_equal(answer.state.size, 2000002);
    assert_true(arena_bytes_used(arena) < 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_cut_in_any_order_and_spacing),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(nothing_large_or_deep_is_parsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
