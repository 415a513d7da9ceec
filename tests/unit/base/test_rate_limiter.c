#include "homeserver/base/rate_limiter.h"
#include "tests/support/test.h"

static struct rate_limiter *limiter;

static int set_up(void **state)
{
    (void)state;
    limiter = rate_limiter_create();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rate_limiter_destroy(limiter);
    return 0;
}

static void a_burst_is_allowed_and_then_the_rate(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(rate_limiter_take(limiter, "a", 2, 5, 1000), 0);
    assert_int_equal(rate_limiter_take(limiter, "a", 2, 5, 1000), 500);
    assert_int_equal(rate_limiter_take(limiter, "a", 2, 5, 1400), 100);
    assert_int_equal(rate_limiter_take(limiter, "a", 2, 5, 1500), 0);
    assert_int_equal(rate_limiter_take(limiter, "a", 2, 5, 1500), 500);
}

static void a_bucket_never_holds_more_than_a_burst(void **state)
{
    (void)state;
    assert_int_equal(rate_limiter_take(limiter, "b", 10, 2, 0), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(rate_limiter_take(limiter, "b", 10, 2, 1000000), 0);
    assert_int_equal(rate_limiter_take(limiter, "b", 10, 2, 1000000), 100);
}

static void a_clock_that_goes_back_gives_nothing(void **state)
{
    (void)state;
    assert_int_equal(rate_limiter_take(limiter, "c", 1, 1, 5000), 0);
    assert_true(rate_limiter_take(limiter, "c", 1, 1, 1000) > 0);
}

static void a_rate_of_zero_never_refills(void **state)
{
    (void)state;
    assert_int_equal(rate_limiter_take(limiter, "d", 0, 1, 0), 0);
    assert_true(rate_limiter_take(limiter, "d", 0, 1, INT64_C(1) << 40) > INT64_C(1) << 40);
}

static void many_keys_are_kept_apart_and_full_buckets_forgotten(void **state)
{
    char key[32];

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20000; i++) {
            snprintf(key, sizeof(key), "user %d", i);
            assert_int_equal(rate_limiter_take(limiter, key, 1, 1, round * 10000), 0);
            assert_true(rate_limiter_take(limiter, key, 1, 1, round * 10000) > 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_allowed_and_then_the_rate),
        cmocka_unit_test(a_bucket_never_holds_more_than_a_burst),
        cmocka_unit_test(a_clock_that_goes_back_gives_nothing),
        cmocka_unit_test(a_rate_of_zero_never_refills),
        cmocka_unit_test(many_keys_are_kept_apart_and_full_buckets_forgotten),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
