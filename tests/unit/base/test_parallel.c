#include "homeserver/base/arena.h"
#include "homeserver/base/parallel.h"
#include "tests/support/test.h"

struct numbers {
    int runs[1000];
    const char *texts[1000];
};

static void write_number(void *context, struct arena *arena, size_t i)
{
    struct numbers *numbers = context;

    numbers->runs[i]++;
    numbers->texts[i] = arena_printf(arena, "step %zu", i);
}

static void every_step_runs_once_and_its_memory_stays(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 31, 32, 33, 1000};

    for (size_t c = 0; c < COUNT_OF(counts); c++) {
        SCOPED(arena_release) struct arena *arena = arena_create();
        struct numbers *numbers = ARENA_NEW(arena, struct numbers);
        parallel_run(arena, counts[c], write_number, numbers);
        for (size_t i = 0; i < COUNT_OF(numbers->runs); i++) {
            assert_int_equal(numbers->runs[i], i < counts[c] ? 1 : 0);
            if (i < counts[c])
                assert_string_equal(numbers->texts[i], arena_printf(arena, "step %zu", i));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_runs_once_and_its_memory_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
