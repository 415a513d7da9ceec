/* What the load generator reads from answers, and what it writes into paths. */
#include <stdio.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "tests/bench/population.h"
#include "tests/support/test.h"

static struct http_answer answer_of(const char *body)
{
    return (struct http_answer){.status = 200, .body = body, .size = strlen(body)};
}

static void the_first_text_of_a_name_is_found(void **state UNUSED)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct http_answer answer =
        answer_of("{\"count\":3,\"end\": \"t42\",\"x\":{\"end\":\"t43\"}}");

    assert_string_equal(answer_text(arena, &answer, "end"), "t42");
    assert_null(answer_text(arena, &answer, "count"));
    assert_null(answer_text(arena, &answer, "start"));
}

static void identifiers_are_encoded_for_paths(void **state UNUSED)
{
    SCOPED(arena_release) struct arena *arena = arena_create();

    assert_string_equal(percent_encode(arena, "!a/b:c.d"), "%21a%2Fb%3Ac.d");
    assert_string_equal(percent_encode(arena, "é"), "%C3%A9");
    assert_string_equal(percent_encode(arena, "-._~Az09"), "-._~Az09");
}

static void the_newest_message_tells_its_age(void **state UNUSED)
{
    int64_t now_us = clock_monotonic_us();
    char body[256];

    snprintf(body, sizeof(body), "{\"body\":\"@@%lld 1 The\"},{\"body\":\"@@%lld 2 The\"}",
             (long long)(now_us - 9000000), (long long)(now_us - 5000000));
    const struct http_answer answer = answer_of(body);
    int64_t age_us = population_age_us(&answer, now_us - 20000000);
    assert_in_range(age_us, 5000000, 5000000 + (clock_monotonic_us() - now_us));
    /* Both are older than what is asked about. */
    assert_int_equal(population_age_us(&answer, now_us), -1);
}

static void an_answer_without_messages_has_no_age(void **state UNUSED)
{
    const struct http_answer empty = answer_of(""), other = answer_of("{\"next_batch\":\"s1@2\"}");

    assert_int_equal(population_age_us(&empty, 0), -1);
    assert_int_equal(population_age_us(&other, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_text_of_a_name_is_found),
        cmocka_unit_test(identifiers_are_encoded_for_paths),
        cmocka_unit_test(the_newest_message_tells_its_age),
        cmocka_unit_test(an_answer_without_messages_has_no_age),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
