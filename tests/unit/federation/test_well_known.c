#include "federation/client/well_known.h"
#include "homeserver/base/compiler.h"
#include "tests/support/test.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

/* N-03: never less than five minutes, never more than two days. */
static void the_lifetime_of_a_file_has_bounds(void **state)
{
    (void)state;
    const struct {
        const char *cache_control;
        int64_t lifetime_ms;
    } cases[] = {
        {NULL, 24 * HOUR_MS},
        {"", 24 * HOUR_MS},
        {"public", 24 * HOUR_MS},
        {"max-age=3600", HOUR_MS},
        {"public, Max-Age=7200, immutable", 2 * HOUR_MS},
        {"max-age=172800", 48 * HOUR_MS},
        {"max-age=172801", 48 * HOUR_MS},
        {"max-age=315360000", 48 * HOUR_MS},
        {"max-age=99999999999999999999999999", 48 * HOUR_MS},
        {"max-age=0", 5 * MINUTE_MS},
        {"max-age=1", 5 * MINUTE_MS},
        {"max-age=-1", 5 * MINUTE_MS},
        {"max-age=-99999999999999999999999999", 5 * MINUTE_MS},
        {"max-age=", 5 * MINUTE_MS},
        {"max-age=x", 5 * MINUTE_MS},
        {"no-store", 5 * MINUTE_MS},
        {"no-cache, max-age=315360000", 5 * MINUTE_MS},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t lifetime_ms = well_known_lifetime_ms(cases[i].cache_control, 24 * HOUR_MS);
        if (lifetime_ms != cases[i].lifetime_ms)
            fail_msg("%s: %lld", cases[i].cache_control, (long long)lifetime_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lifetime_of_a_file_has_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
