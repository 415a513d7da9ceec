#include <stdlib.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/glob.h"
#include "homeserver/protocol/push_pattern.h"
#include "tests/support/test.h"

static bool all(const char *pattern, const char *text)
{
    int64_t steps = 1000000;
    return push_pattern_matches_all(pattern, text, strlen(text), &steps);
}

static bool words(const char *pattern, const char *text)
{
    int64_t steps = 1000000;
    return push_pattern_matches_words(pattern, text, strlen(text), &steps);
}

static void a_value_must_match_as_a_whole(void **state)
{
    (void)state;
    assert_true(all("lunc?*", "lunch plans"));
    assert_true(all("lunc?*", "lunch"));
    assert_false(all("lunc?*", " lunch"));
    assert_false(all("lunc?*", "lunc"));
    assert_true(all("", ""));
    assert_false(all("", "a"));
    assert_true(all("*", ""));
    assert_true(all("a*b*c", "axxbxxc"));
    assert_true(all("a*b*c", "abcbc"));
    assert_false(all("a*b*c", "axxbxxcd"));
    assert_false(all("a*a", "a"));
    assert_true(all("caf?", "café"));
    assert_true(all("*f?", "café"));
    assert_false(all("*f??", "café"));
    assert_true(all("*?", "é"));
    assert_false(all("a*bc", "ac"));
}

static void body_patterns_match_whole_words(void **state)
{
    (void)state;
    assert_true(words("ex*ple", "an example event."));
    assert_true(words("ex*ple", "exple"));
    assert_true(words("ex*ple", "an exciting triple-whammy"));
    assert_false(words("ex*ple", "an exciting triples"));
    assert_false(words("ex*ple", "vexing apple"));
    assert_true(words("cake", "let them eat cake!"));
    assert_false(words("cake", "pancake"));
    assert_false(words("cake", "cakes"));
    assert_false(words("cake", "cake_"));
    assert_true(words("cake", "pancake cake"));
    assert_true(words("cake", "cakes cake"));
    assert_true(words("cake*lie", "the cake is a lie."));
    assert_true(words("@room", "hello @room"));
    assert_true(words("c?ke", "coke or céke"));
    assert_false(words("c?ke", "cokes"));
    assert_true(words("caf", "café"));
    assert_true(words("*", ""));
    assert_true(words("", ""));
    assert_false(words("", "word"));
}

static void words_are_found_behind_a_nul(void **state)
{
    (void)state;
    int64_t steps = 1000;
    assert_true(push_pattern_matches_words("cake", "no\0cake", 7, &steps));
}

static void both_globs_of_the_project_agree(void **state)
{
    (void)state;
    static const char letters[] = "ab*?";
    unsigned seed = 1;

    for (int round = 0; round < 200000; round++) {
        char pattern[8] = {0};
        char text[10] = {0};
        size_t pattern_length = (size_t)(rand_r(&seed) % 7);
        size_t text_length = (size_t)(rand_r(&seed) % 9);
        for (size_t i = 0; i < pattern_length; i++)
            pattern[i] = letters[rand_r(&seed) % 4];
        for (size_t i = 0; i < text_length; i++)
            text[i] = letters[rand_r(&seed) % 2];
        if (all(pattern, text) != glob_match(pattern, text, false))
            fail_msg("pattern %s text %s", pattern, text);
    }
}

/* Finds by trying every part of the text. */
static bool words_by_trying(struct arena *arena, const char *pattern, const char *text)
{
    size_t length = strlen(text);

    for (size_t from = 0; from <= length; from++) {
        for (size_t to = from; to <= length; to++) {
            if ((from == 0 || text[from - 1] == ' ') && (to == length || text[to] == ' ') &&
                all(pattern, arena_strndup(arena, text + from, to - from)))
                return true;
        }
    }
    return false;
}

static void words_are_what_trying_every_part_finds(void **state)
{
    (void)state;
    static const char pattern_letters[] = "ab*? ";
    static const char text_letters[] = "ab ";
    SCOPED(arena_release) struct arena *arena = arena_create();
    unsigned seed = 2;

    for (int round = 0; round < 50000; round++) {
        char pattern[6] = {0};
        char text[9] = {0};
        size_t pattern_length = (size_t)(rand_r(&seed) % 6);
        size_t text_length = (size_t)(rand_r(&seed) % 9);
        for (size_t i = 0; i < pattern_length; i++)
            pattern[i] = pattern_letters[rand_r(&seed) % 5];
        for (size_t i = 0; i < text_length; i++)
            text[i] = text_letters[rand_r(&seed) % 3];
        if (words(pattern, text) != words_by_trying(arena, pattern, text))
            fail_msg("pattern '%s' text '%s'", pattern, text);
        arena_reset(arena);
    }
}

/* P-01: evil patterns on a body of 64 KB. */
static void the_cost_of_evil_patterns_is_bounded(void **state)
{
    (void)state;
    enum { BODY = 65000, QUESTION_MARKS = 1000 };
    SCOPED(arena_release) struct arena *arena = arena_create();
    char *body = arena_alloc(arena, BODY + 1);
    char *marks = arena_alloc(arena, QUESTION_MARKS + 2);
    const char *const patterns[] = {"*a*a*a*a*b", "?*a*?a*?a*b", marks, marks + 500};
    static const char *const fillings[] = {"a", "a ", "aé"};

    memset(marks, '?', QUESTION_MARKS);
    marks[QUESTION_MARKS] = 'b';
    for (size_t f = 0; f < COUNT_OF(fillings); f++) {
        size_t period = strlen(fillings[f]);
        for (size_t i = 0; i < BODY; i++)
            body[i] = fillings[f][i % period];
        for (size_t p = 0; p < COUNT_OF(patterns); p++) {
            int64_t steps = 20000000;
            int64_t started = clock_monotonic_ms();
            assert_false(push_pattern_matches_words(patterns[p], body, BODY, &steps));
            assert_false(push_pattern_matches_all(patterns[p], body, BODY, &steps));
            /* Sanitizers and a busy machine make this ten times slower than in service. */
            assert_in_range(clock_monotonic_ms() - started, 0, 2000);
        }
    }
}

static void nothing_matches_when_the_budget_is_used_up(void **state)
{
    (void)state;
    int64_t steps = 3;
    assert_false(push_pattern_matches_all("abcdef", "abcdef", 6, &steps));
    assert_false(push_pattern_matches_words("a?c", "abc", 3, &steps));
    assert_false(push_pattern_matches_words("abc", "abc", 3, &steps));
    assert_false(push_pattern_matches_all("*bc", "abc", 3, &steps));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_must_match_as_a_whole),
        cmocka_unit_test(body_patterns_match_whole_words),
        cmocka_unit_test(words_are_found_behind_a_nul),
        cmocka_unit_test(both_globs_of_the_project_agree),
        cmocka_unit_test(words_are_what_trying_every_part_finds),
        cmocka_unit_test(the_cost_of_evil_patterns_is_bounded),
        cmocka_unit_test(nothing_matches_when_the_budget_is_used_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
