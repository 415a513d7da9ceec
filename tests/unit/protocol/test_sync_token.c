#include "homeserver/base/arena.h"
#include "homeserver/protocol/sync_token.h"
#include "tests/support/test.h"

static void a_token_comes_back_as_it_was(void **state)
{
    (void)state;
    static const struct sync_token tokens[] = {
        {0, 0, 0, 0}, {1, 4294967295, 7, 1}, {900000, 12, 34, 900000}, {900000, 12, 34, 0}};
    SCOPED(arena_release) struct arena *arena = arena_create();

    for (size_t i = 0; i < COUNT_OF(tokens); i++) {
        struct sync_token read;
        char *text = sync_token_format(arena, tokens[i]);
        assert_int_equal(sync_token_parse(text, 900000, NULL, &read), OK);
        assert_int_equal(read.position, tokens[i].position);
        assert_int_equal(read.typing_epoch, tokens[i].typing_epoch);
        assert_int_equal(read.typing, tokens[i].typing);
        assert_int_equal(read.to_device, tokens[i].to_device);
    }
}

/* S-01 */
static void what_we_never_issued_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "s",
        "s1",
        "s1_",
        "s1_5",
        "s1_5_1",
        "s1_5_1_",
        "s1_5_1_2x",
        "s1_05_1_2",
        "s1_-5_1_2",
        "s1_ 5_1_2",
        "s1_+5_1_2",
        "s2_5_1_2",
        "S1_5_1_2",
        "p1_5",
        "5",
        "s1_101_1_2",
        "s1_5_4294967296_2",
        "s1_5_1_2 ",
        "s1_5_1_2_5",
        "s1_5_1_2_6",
        "s1_5_1_2_",
        "s1_5_1_2_3_",
        "s72_1_1_1",
        "s1_0x5_1_2",
        "s1_99999999999999999999999999_1_2",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct sync_token token;
        struct error error = {0};
        assert_int_equal(sync_token_parse(texts[i], 100, &error, &token), M_INVALID_PARAM);
        assert_true(error.text[0] != '\0');
    }
    assert_int_equal(sync_token_parse(NULL, 100, NULL, &(struct sync_token){0}), M_INVALID_PARAM);
}

static void pages_reach_into_the_history_before_the_server(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    static const int64_t positions[] = {0, 1, 100, -1, -5000};

    for (size_t i = 0; i < COUNT_OF(positions); i++) {
        int64_t position;
        assert_int_equal(
            page_token_parse(page_token_format(arena, positions[i]), 100, NULL, &position), OK);
        assert_int_equal(position, positions[i]);
    }
}

static void a_sync_token_serves_as_a_page_token(void **state)
{
    (void)state;
    int64_t position;
    assert_int_equal(page_token_parse("s1_42_9_9", 100, NULL, &position), OK);
    assert_int_equal(position, 42);
}

static void page_tokens_we_never_issued_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",     "p1_", "p1_101", "p1_1x", "p1_--1",    "p1_-0",
                                        "p2_1", "t1",  "p1_-",   "p1_01", "s1_101_0_0"};
    int64_t position;

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_int_equal(page_token_parse(texts[i], 100, NULL, &position), M_INVALID_PARAM);
    assert_int_equal(page_token_parse(NULL, 100, NULL, &position), M_MISSING_PARAM);
}

static void a_sliding_token_is_a_position_too(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "l1_1_2_101_0_0", "l1_1_2_5_0", "l1_1_2_5_0_0_0", "s1_5_0_0", "l1_-1_2_5_0_0"};
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct sliding_token token = {7, 8, {.position = 50, .typing_epoch = 3, .typing = 4}};
    struct sliding_token read;
    int64_t position;
    char *text = sliding_token_format(arena, &token);

    assert_int_equal(sliding_token_parse(text, 100, NULL, &read), OK);
    assert_int_equal(read.connection_nid, 7);
    assert_int_equal(read.serial, 8);
    assert_int_equal(read.sync.position, 50);
    assert_int_equal(read.sync.typing, 4);
    assert_int_equal(page_token_parse(text, 100, NULL, &position), OK);
    assert_int_equal(position, 50);
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(sliding_token_parse(wrong[i], 100, NULL, &read), M_UNKNOWN_POS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_comes_back_as_it_was),
        cmocka_unit_test(what_we_never_issued_is_refused),
        cmocka_unit_test(pages_reach_into_the_history_before_the_server),
        cmocka_unit_test(a_sync_token_serves_as_a_page_token),
        cmocka_unit_test(page_tokens_we_never_issued_are_refused),
        cmocka_unit_test(a_sliding_token_is_a_position_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
