#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "homeserver/base/singleflight.h"
#include "tests/support/test.h"

static struct singleflight *flights;
static sem_t begun, gate;
static atomic_int works, firsts, entered;

static enum errcode slow_work(void *context)
{
    (void)context;
    atomic_fetch_add(&works, 1);
    sem_post(&begun);
    while (sem_wait(&gate) != 0)
        ;
    return E_REMOTE;
}

static void *ask(void *key)
{
    bool was_first;

    atomic_fetch_add(&entered, 1);
    assert_int_equal(singleflight_run(flights, key, slow_work, NULL, &was_first), E_REMOTE);
    atomic_fetch_add(&firsts, was_first ? 1 : 0);
    return NULL;
}

static int set_up(void **state)
{
    (void)state;
    flights = singleflight_create();
    sem_init(&begun, 0, 0);
    sem_init(&gate, 0, 0);
    atomic_store(&works, 0);
    atomic_store(&firsts, 0);
    atomic_store(&entered, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    singleflight_destroy(flights);
    return 0;
}

static void await_begun(void)
{
    while (sem_wait(&begun) != 0)
        ;
}

/* Who comes while the work is under way gets its outcome; who comes late starts it anew: so the
 * work was done as often as somebody was first. */
static void callers_share_one_run(void **state)
{
    pthread_t threads[8];
    char key[] = "key";

    (void)state;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_create(&threads[i], NULL, ask, key);
    await_begun();
    while (atomic_load(&entered) < (int)COUNT_OF(threads))
        sched_yield();
    assert_int_equal(atomic_load(&works), 1);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        sem_post(&gate);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&works), atomic_load(&firsts));
}

static void different_keys_do_not_wait_for_each_other(void **state)
{
    pthread_t threads[2];
    char one[] = "one", two[] = "two";

    (void)state;
    pthread_create(&threads[0], NULL, ask, one);
    pthread_create(&threads[1], NULL, ask, two);
    await_begun();
    await_begun();
    sem_post(&gate);
    sem_post(&gate);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_int_equal(atomic_load(&firsts), 2);
}

static void *wait_for_end(void *key)
{
    assert_false(singleflight_begin(flights, key));
    sem_post(&begun);
    singleflight_wait(flights, key, INT64_MAX);
    atomic_fetch_add(&entered, 1);
    return NULL;
}

static void whoever_does_not_begin_waits_for_the_end(void **state)
{
    pthread_t thread;
    char key[] = "key";

    (void)state;
    assert_true(singleflight_begin(flights, key));
    assert_true(singleflight_begin(flights, "other"));
    singleflight_end(flights, "other");
    pthread_create(&thread, NULL, wait_for_end, key);
    await_begun();
    assert_int_equal(atomic_load(&entered), 0);
    singleflight_end(flights, key);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&entered), 1);
    assert_true(singleflight_begin(flights, key));
    singleflight_wait(flights, key, 1); /* long ago */
    singleflight_end(flights, key);
    singleflight_wait(flights, key, INT64_MAX); /* nobody is at work */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(callers_share_one_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(different_keys_do_not_wait_for_each_other, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(whoever_does_not_begin_waits_for_the_end, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
