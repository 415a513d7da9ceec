#include <semaphore.h>
#include <stdatomic.h>

#include "homeserver/base/compiler.h"
#include "homeserver/base/looper.h"
#include "tests/support/test.h"

static sem_t rounds;
static atomic_int count;
static int64_t pause_ms;

static int64_t note_round(void *context UNUSED)
{
    atomic_fetch_add(&count, 1);
    sem_post(&rounds);
    return pause_ms;
}

static struct looper *start(int64_t pause)
{
    struct looper *looper = looper_create("looper", note_round, NULL);

    pause_ms = pause;
    atomic_store(&count, 0);
    sem_init(&rounds, 0, 0);
    looper_start(looper);
    sem_wait(&rounds);
    return looper;
}

static void waking_makes_a_round(void **state UNUSED)
{
    struct looper *looper = start(3600 * 1000);

    looper_wake(looper);
    sem_wait(&rounds);
    looper_destroy(looper);
    assert_int_equal(atomic_load(&count), 2);
}

static void time_makes_rounds(void **state UNUSED)
{
    struct looper *looper = start(1);

    for (int i = 0; i < 5; i++)
        sem_wait(&rounds);
    looper_destroy(looper);
}

static void after_the_stop_there_are_no_rounds(void **state UNUSED)
{
    struct looper *looper = start(3600 * 1000);

    looper_stop(looper);
    looper_wake(looper);
    looper_stop(looper);
    assert_int_equal(atomic_load(&count), 1);
    looper_destroy(looper);
}

static void one_that_never_started_is_destroyed(void **state UNUSED)
{
    struct looper *looper = looper_create("looper", note_round, NULL);

    looper_wake(looper);
    looper_destroy(looper);
    looper_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waking_makes_a_round),
        cmocka_unit_test(time_makes_rounds),
        cmocka_unit_test(after_the_stop_there_are_no_rounds),
        cmocka_unit_test(one_that_never_started_is_destroyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
