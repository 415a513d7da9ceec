#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "tests/support/test.h"

static void arena_memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();

    for (size_t size = 1; size < 10000; size += 97) {
        unsigned char *memory = arena_alloc(arena, size);
        assert_int_equal((uintptr_t)memory % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xff, size);
    }
}

static void count_release(void *object)
{
    ++*(int *)object;
}

static void arena_reset_runs_deferred_releases_once(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    int released = 0;

    arena_defer(arena, count_release, &released);
    arena_defer(arena, count_release, &released);
    arena_reset(arena);
    assert_int_equal(released, 2);
    arena_reset(arena);
    assert_int_equal(released, 2);
    assert_int_equal(arena_bytes_used(arena), 0);
}

static void arena_printf_makes_text_of_any_length(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();

    assert_string_equal(arena_printf(arena, "%s-%d", "room", 7), "room-7");
    assert_int_equal(strlen(arena_printf(arena, "%0*d", 9000, 1)), 9000);
}

static void array_push_keeps_the_order(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    ARRAY_OF(int) numbers = {0};

    for (int i = 0; i < 1000; i++)
        array_push(arena, &numbers, i);
    assert_int_equal(numbers.count, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(numbers.items[i], i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_memory_is_zeroed_and_aligned),
        cmocka_unit_test(arena_reset_runs_deferred_releases_once),
        cmocka_unit_test(arena_printf_makes_text_of_any_length),
        cmocka_unit_test(array_push_keeps_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
