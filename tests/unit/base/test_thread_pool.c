#include <semaphore.h>
#include <stdatomic.h>

#include "homeserver/base/thread_pool.h"
#include "tests/support/test.h"

static sem_t begun, gate;
static atomic_int done, states;

static void *make_state(void *context)
{
    atomic_fetch_add(&states, 1);
    return context;
}

static void drop_state(void *state)
{
    assert_non_null(state);
    atomic_fetch_sub(&states, 1);
}

static void count_task(void *state, void *argument)
{
    assert_non_null(state);
    atomic_fetch_add(&done, *(int *)argument);
}

static void blocking_task(void *state, void *argument)
{
    (void)state;
    (void)argument;
    sem_post(&begun);
    while (sem_wait(&gate) != 0)
        ;
    atomic_fetch_add(&done, 1);
}

static struct thread_pool *create(size_t threads, size_t queue_max)
{
    static int context;
    const struct thread_pool_options options = {.name = "test",
                                                .threads = threads,
                                                .queue_max = queue_max,
                                                .thread_start = make_state,
                                                .thread_stop = drop_state,
                                                .context = &context};

    atomic_store(&done, 0);
    sem_init(&begun, 0, 0);
    sem_init(&gate, 0, 0);
    struct thread_pool *pool = thread_pool_create(&options);
    assert_non_null(pool);
    return pool;
}

static void destroying_finishes_what_is_queued(void **state)
{
    struct thread_pool *pool = create(4, 100000);
    int one = 1;

    (void)state;
    for (int i = 0; i < 10000; i++)
        assert_true(thread_pool_submit(pool, count_task, &one));
    thread_pool_destroy(pool);
    assert_int_equal(atomic_load(&done), 10000);
    assert_int_equal(atomic_load(&states), 0);
}

static void a_full_queue_refuses_new_work_but_not_work_that_goes_on(void **state)
{
    struct thread_pool *pool = create(1, 2);
    int one = 1;

    (void)state;
    assert_true(thread_pool_submit(pool, blocking_task, NULL));
    while (sem_wait(&begun) != 0)
        ;
    assert_true(thread_pool_submit(pool, count_task, &one));
    assert_true(thread_pool_submit(pool, count_task, &one));
    assert_false(thread_pool_submit(pool, count_task, &one));
    for (int i = 0; i < 200; i++)
        thread_pool_continue(pool, count_task, &one);
    assert_int_equal(thread_pool_waiting(pool), 202);
    sem_post(&gate);
    thread_pool_destroy(pool);
    assert_int_equal(atomic_load(&done), 203);
}

static void a_blocked_thread_does_not_hold_up_the_others(void **state)
{
    struct thread_pool *pool = create(2, 10);
    int one = 1;

    (void)state;
    assert_true(thread_pool_submit(pool, blocking_task, NULL));
    while (sem_wait(&begun) != 0)
        ;
    assert_true(thread_pool_submit(pool, count_task, &one));
    assert_true(thread_pool_submit(pool, blocking_task, NULL));
    while (sem_wait(&begun) != 0)
        ;
    assert_int_equal(atomic_load(&done), 1);
    sem_post(&gate);
    sem_post(&gate);
    thread_pool_destroy(pool);
    assert_int_equal(atomic_load(&done), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destroying_finishes_what_is_queued),
        cmocka_unit_test(a_full_queue_refuses_new_work_but_not_work_that_goes_on),
        cmocka_unit_test(a_blocked_thread_does_not_hold_up_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
