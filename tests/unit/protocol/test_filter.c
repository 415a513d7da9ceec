#include "homeserver/base/arena.h"
#include "homeserver/protocol/filter.h"
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

static const struct event_filter *event_filter(const char *text)
{
    const struct event_filter *filter;
    assert_int_equal(event_filter_parse(arena, parse(text), NULL, &filter), OK);
    return filter;
}

static const struct filter *whole_filter(const char *text)
{
    const struct filter *filter;
    assert_int_equal(filter_parse(arena, parse(text), NULL, &filter), OK);
    return filter;
}

static void an_empty_filter_lets_everything_pass(void **state)
{
    (void)state;
    const struct filter_subject subject = {"!r:a", "@u:a", "m.room.message", NULL};
    const struct filter *filter;

    assert_int_equal(filter_parse(arena, NULL, NULL, &filter), OK);
    assert_true(event_filter_passes(&filter->timeline, &subject));
    assert_true(event_filter_can_pass(&filter->timeline));
    assert_false(event_filter_needs_content(&filter->timeline));
    assert_true(filter_passes_room(filter, "!r:a"));
    assert_int_equal(event_filter_limit(&filter->timeline, 10), 10);
}

static void filters_decide_by_their_lists(void **state)
{
    (void)state;
    static const struct {
        const char *filter;
        bool passes;
    } cases[] = {
        {"{\"types\":[\"m.room.message\"]}", true},
        {"{\"types\":[\"m.room.*\"]}", true},
        {"{\"types\":[\"*\"]}", true},
        {"{\"types\":[\"m.room\"]}", false},
        {"{\"types\":[\"M.ROOM.MESSAGE\"]}", false},
        {"{\"types\":[]}", false},
        {"{\"not_types\":[\"m.*\"]}", false},
        {"{\"not_types\":[]}", true},
        {"{\"types\":[\"m.room.message\"],\"not_types\":[\"*.message\"]}", false},
        {"{\"senders\":[\"@u:a\",\"@v:a\"]}", true},
        {"{\"senders\":[\"@v:a\"]}", false},
        {"{\"senders\":[]}", false},
        {"{\"not_senders\":[\"@u:a\"]}", false},
        {"{\"senders\":[\"@u:a\"],\"not_senders\":[\"@u:a\"]}", false},
        {"{\"rooms\":[\"!r:a\"]}", true},
        {"{\"rooms\":[\"!s:a\"]}", false},
        {"{\"not_rooms\":[\"!r:a\"]}", false},
        {"{\"contains_url\":true}", true},
        {"{\"contains_url\":false}", false},
        {"{\"org.matrix.msc3874.rel_types\":[\"m.thread\"]}", true},
        {"{\"org.matrix.msc3874.rel_types\":[\"m.replace\"]}", false},
        {"{\"org.matrix.msc3874.not_rel_types\":[\"m.thread\"]}", false},
        {"{\"org.matrix.msc3874.not_rel_types\":[\"m.replace\"]}", true},
    };
    const struct filter_subject subject = {
        "!r:a", "@u:a", "m.room.message",
        parse("{\"url\":\"mxc://a/b\",\"m.relates_to\":{\"rel_type\":\"m.thread\"}}")};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (event_filter_passes(event_filter(cases[i].filter), &subject) != cases[i].passes)
            fail_msg("%s should be %d", cases[i].filter, cases[i].passes);
    }
}

static void an_event_without_content_has_no_url_and_no_relation(void **state)
{
    (void)state;
    const struct filter_subject subject = {"!r:a", "@u:a", "m.typing", NULL};

    assert_false(event_filter_passes(event_filter("{\"contains_url\":true}"), &subject));
    assert_true(event_filter_passes(event_filter("{\"contains_url\":false}"), &subject));
    assert_false(event_filter_passes(
        event_filter("{\"org.matrix.msc3874.rel_types\":[\"m.thread\"]}"), &subject));
}

static void an_event_without_a_sender_passes_unless_senders_are_asked_for(void **state)
{
    (void)state;
    const struct filter_subject subject = {"!r:a", NULL, "m.receipt", NULL};

    assert_true(event_filter_passes(event_filter("{\"not_senders\":[\"@u:a\"]}"), &subject));
    assert_false(event_filter_passes(event_filter("{\"senders\":[\"@u:a\"]}"), &subject));
}

static void filters_that_nothing_can_pass_are_recognised(void **state)
{
    (void)state;
    assert_false(event_filter_can_pass(event_filter("{\"types\":[]}")));
    assert_false(event_filter_can_pass(event_filter("{\"senders\":[]}")));
    assert_false(event_filter_can_pass(event_filter("{\"rooms\":[]}")));
    assert_false(event_filter_can_pass(event_filter("{\"org.matrix.msc3874.rel_types\":[]}")));
    assert_false(event_filter_can_pass(event_filter("{\"limit\":0}")));
    assert_true(event_filter_can_pass(event_filter("{\"types\":[\"*\"],\"limit\":1}")));
}

static void limits_are_clamped(void **state)
{
    (void)state;
    assert_int_equal(event_filter_limit(event_filter("{\"limit\":1000000000}"), 10), 1000);
    assert_int_equal(event_filter_limit(event_filter("{\"limit\":5}"), 10), 5);
    assert_int_equal(event_filter_limit(event_filter("{\"limit\":0}"), 10), 0);
}

static void all_sections_are_read(void **state)
{
    (void)state;
    const struct filter *filter =
        whole_filter("{\"event_format\":\"federation\",\"presence\":{\"limit\":1},"
                     "\"account_data\":{\"limit\":2},\"room\":{\"rooms\":[\"!a:a\",\"!b:a\"],"
                     "\"not_rooms\":[\"!b:a\"],\"include_leave\":true,\"ephemeral\":{\"limit\":3},"
                     "\"state\":{\"lazy_load_members\":true,\"include_redundant_members\":true},"
                     "\"timeline\":{\"limit\":5,\"unread_thread_notifications\":true},"
                     "\"account_data\":{\"limit\":6}}}");

    assert_true(filter->federation_format);
    assert_int_equal(filter->presence.limit, 1);
    assert_int_equal(filter->account_data.limit, 2);
    assert_int_equal(filter->ephemeral.limit, 3);
    assert_true(filter->state.lazy_load_members);
    assert_true(filter->state.include_redundant_members);
    assert_int_equal(filter->timeline.limit, 5);
    assert_true(filter->timeline.unread_thread_notifications);
    assert_int_equal(filter->room_account_data.limit, 6);
    assert_true(filter->include_leave);
    assert_true(filter_passes_room(filter, "!a:a"));
    assert_false(filter_passes_room(filter, "!b:a"));
    assert_false(filter_passes_room(filter, "!c:a"));
}

static void malformed_filters_are_refused(void **state)
{
    (void)state;
    static const char *const filters[] = {
        "[]",
        "{\"presence\":\"x\"}",
        "{\"account_data\":[]}",
        "{\"room\":7}",
        "{\"room\":{\"timeline\":\"x\"}}",
        "{\"room\":{\"state\":\"x\"}}",
        "{\"room\":{\"ephemeral\":\"x\"}}",
        "{\"room\":{\"account_data\":\"x\"}}",
        "{\"room\":{\"rooms\":\"x\"}}",
        "{\"room\":{\"not_rooms\":\"x\"}}",
        "{\"room\":{\"include_leave\":1}}",
        "{\"room\":{\"timeline\":{\"rooms\":\"x\"}}}",
        "{\"room\":{\"timeline\":{\"rooms\":[\"not_a_room_id\"]}}}",
        "{\"room\":{\"timeline\":{\"not_rooms\":{}}}}",
        "{\"room\":{\"timeline\":{\"senders\":[\"not_a_sender\"]}}}",
        "{\"room\":{\"timeline\":{\"not_senders\":[7]}}}",
        "{\"room\":{\"timeline\":{\"types\":[1]}}}",
        "{\"room\":{\"timeline\":{\"types\":[\"a\\u0000b\"]}}}",
        "{\"room\":{\"timeline\":{\"not_types\":\"x\"}}}",
        "{\"room\":{\"timeline\":{\"limit\":\"10\"}}}",
        "{\"room\":{\"timeline\":{\"limit\":-1}}}",
        "{\"room\":{\"timeline\":{\"contains_url\":\"yes\"}}}",
        "{\"room\":{\"timeline\":{\"lazy_load_members\":1}}}",
        "{\"room\":{\"timeline\":{\"include_redundant_members\":1}}}",
        "{\"room\":{\"timeline\":{\"unread_thread_notifications\":1}}}",
        "{\"room\":{\"timeline\":{\"org.matrix.msc3874.rel_types\":1}}}",
        "{\"room\":{\"timeline\":{\"org.matrix.msc3874.not_rel_types\":1}}}",
        "{\"event_fields\":\"x\"}",
        "{\"event_format\":\"x\"}",
        "{\"event_format\":1}",
    };
    for (size_t i = 0; i < COUNT_OF(filters); i++) {
        const struct filter *filter;
        struct error error = {0};
        if (filter_parse(arena, parse(filters[i]), &error, &filter) != M_INVALID_PARAM)
            fail_msg("%s was accepted", filters[i]);
        assert_true(error.text[0] != '\0');
    }
    const struct event_filter *filter;
    assert_int_equal(event_filter_parse(arena, parse("[]"), NULL, &filter), M_INVALID_PARAM);
    assert_int_equal(event_filter_parse(arena, parse("{\"limit\":[]}"), NULL, &filter),
                     M_INVALID_PARAM);
}

/* S-03 */
static void long_lists_are_refused(void **state)
{
    (void)state;
    json_t *list = json_on_arena(arena, json_array());
    json_t *json = json_on_arena(arena, json_pack("{s:O}", "senders", list));
    json_t *fields = json_on_arena(arena, json_pack("{s:O}", "event_fields", list));
    const struct event_filter *filter;
    const struct filter *whole;

    for (size_t i = 0; i <= FILTER_LIST_MAX; i++)
        json_array_append_new(list, json_string("@u:a"));
    assert_int_equal(event_filter_parse(arena, json, NULL, &filter), M_TOO_LARGE);
    json_array_remove(list, 0);
    assert_int_equal(event_filter_parse(arena, json, NULL, &filter), OK);
    assert_int_equal(filter_parse(arena, fields, NULL, &whole), M_TOO_LARGE);
}

static void check_fields(const char *filter, const char *expected)
{
    json_t *event = parse("{\"type\":\"t\",\"sender\":\"@u:a\","
                          "\"content\":{\"body\":\"b\",\"a.b\":{\"c\":1,\"d\":2},\"e\":[1]}}");
    json_t *cut = filter_event_fields(whole_filter(filter), event);
    char *text = json_dumps(cut, JSON_COMPACT | JSON_SORT_KEYS);

    assert_string_equal(text, expected);
    free(text);
    json_decref(cut);
}

static void events_are_cut_down_to_the_wanted_fields(void **state)
{
    (void)state;
    check_fields("{\"event_fields\":[\"type\",\"content.body\"]}",
                 "{\"content\":{\"body\":\"b\"},\"type\":\"t\"}");
    check_fields("{\"event_fields\":[\"content.a\\\\.b.c\",\"content.a\\\\.b.d\",\"content.e\"]}",
                 "{\"content\":{\"a.b\":{\"c\":1,\"d\":2},\"e\":[1]}}");
    check_fields("{\"event_fields\":[\"content\",\"content.body\",\"none.x\",\"type.x\"]}",
                 "{\"content\":{\"a.b\":{\"c\":1,\"d\":2},\"body\":\"b\",\"e\":[1]}}");
    check_fields("{\"event_fields\":[\"content.body\",\"content\"]}",
                 "{\"content\":{\"a.b\":{\"c\":1,\"d\":2},\"body\":\"b\",\"e\":[1]}}");
    check_fields("{\"event_fields\":[]}", "{}");
    check_fields("{}", "{\"content\":{\"a.b\":{\"c\":1,\"d\":2},\"body\":\"b\",\"e\":[1]},"
                       "\"sender\":\"@u:a\",\"type\":\"t\"}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_filter_lets_everything_pass),
        TEST(filters_decide_by_their_lists),
        TEST(an_event_without_content_has_no_url_and_no_relation),
        TEST(an_event_without_a_sender_passes_unless_senders_are_asked_for),
        TEST(filters_that_nothing_can_pass_are_recognised),
        TEST(limits_are_clamped),
        TEST(all_sections_are_read),
        TEST(malformed_filters_are_refused),
        TEST(long_lists_are_refused),
        TEST(events_are_cut_down_to_the_wanted_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
