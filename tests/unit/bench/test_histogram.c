/* The quantiles of the load generator. */
#include "homeserver/base/compiler.h"
#include "tests/bench/histogram.h"
#include "tests/support/test.h"

static void small_values_are_exact(void **state UNUSED)
{
    struct histogram histogram = {0};

    for (int64_t us = 1; us <= 50; us++)
        histogram_add(&histogram, us);
    assert_int_equal(histogram_quantile(&histogram, 0.5), 25);
    assert_int_equal(histogram_quantile(&histogram, 0.98), 49);
    assert_int_equal(histogram_quantile(&histogram, 1), 50);
    assert_int_equal(histogram.count, 50);
}

static void large_values_are_right_to_a_thirty_second(void **state UNUSED)
{
    for (int64_t us = 64; us < INT64_C(1) << 36; us += us / 7) {
        struct histogram histogram = {0};
        histogram_add(&histogram, us);
        histogram_add(&histogram, us * 4);
        int64_t found = histogram_quantile(&histogram, 0.5);
        assert_true(found >= us);
        assert_true(found <= us + us / 32);
    }
}

static void a_quantile_is_never_above_the_largest_value(void **state UNUSED)
{
    struct histogram histogram = {0};

    histogram_add(&histogram, 1000001);
    assert_int_equal(histogram_quantile(&histogram, 0.99), 1000001);
}

static void nothing_measured_gives_zero(void **state UNUSED)
{
    const struct histogram histogram = {0};

    assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
}

static void values_beyond_the_last_bucket_count_too(void **state UNUSED)
{
    struct histogram histogram = {0};

    histogram_add(&histogram, INT64_MAX / 4);
    histogram_add(&histogram, -5);
    assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
    assert_true(histogram_quantile(&histogram, 1) > INT64_C(1) << 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(large_values_are_right_to_a_thirty_second),
        cmocka_unit_test(a_quantile_is_never_above_the_largest_value),
        cmocka_unit_test(nothing_measured_gives_zero),
        cmocka_unit_test(values_beyond_the_last_bucket_count_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
