#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "homeserver/base/cache.h"
#include "homeserver/base/compiler.h"
#include "tests/support/test.h"

struct value {
    atomic_int references;
    int number;
};

static atomic_int alive;

static void acquire(void *value)
{
    atomic_fetch_add(&((struct value *)value)->references, 1);
}

static void release(void *value)
{
    if (atomic_fetch_sub(&((struct value *)value)->references, 1) != 1)
        return;
    free(value);
    atomic_fetch_sub(&alive, 1);
}

static struct cache *create(size_t limit_bytes)
{
    const struct cache_options options = {
        .name = "test", .limit_bytes = limit_bytes, .acquire = acquire, .release = release};

    return cache_create(&options);
}

static void put(struct cache *cache, int key, int number, size_t bytes)
{
    struct value *value = calloc(1, sizeof(*value));

    atomic_init(&value->references, 1);
    value->number = number;
    atomic_fetch_add(&alive, 1);
    cache_put(cache, &key, sizeof(key), value, bytes);
    release(value);
}

/* -1 when the key is not there. */
static int get(struct cache *cache, int key)
{
    struct value *value = cache_get(cache, &key, sizeof(key));
    int number = value == NULL ? -1 : value->number;

    if (value != NULL)
        release(value);
    return number;
}

static void values_are_found_replaced_and_removed(void **state)
{
    struct cache *cache = create(1 << 20);
    int key = 2;

    (void)state;
    put(cache, 1, 10, 100);
    put(cache, 2, 20, 100);
    put(cache, 1, 11, 100);
    assert_int_equal(get(cache, 1), 11);
    assert_int_equal(get(cache, 2), 20);
    cache_remove(cache, &key, sizeof(key));
    assert_int_equal(get(cache, 2), -1);
    assert_int_equal(atomic_load(&alive), 1);
    cache_destroy(cache);
    assert_int_equal(atomic_load(&alive), 0);
}

static void the_limit_is_kept_and_what_is_used_stays(void **state)
{
    struct cache *cache = create(1 << 20);

    (void)state;
    put(cache, 0, 5, 1000);
    for (int key = 1; key < 20000; key++) {
        put(cache, key, key, 1000);
        assert_int_equal(get(cache, 0), 5);
    }
    assert_true(cache_bytes(cache) <= 1 << 20);
    assert_true(cache_bytes(cache) > (1 << 20) * 8 / 10);
    assert_int_equal(get(cache, 1), -1);
    assert_int_equal(get(cache, 19999), 19999);
    cache_destroy(cache);
    assert_int_equal(atomic_load(&alive), 0);
}

static void a_giant_does_not_empty_the_cache(void **state)
{
    struct cache *cache = create(1 << 20);

    (void)state;
    put(cache, 1, 10, 100);
    put(cache, 2, 20, 1 << 20);
    assert_int_equal(get(cache, 1), 10);
    assert_int_equal(get(cache, 2), -1);
    cache_destroy(cache);
}

static void a_whole_cache_keeps_what_is_nearly_its_size(void **state)
{
    const struct cache_options options = {.name = "test",
                                          .limit_bytes = 1 << 20,
                                          .is_whole = true,
                                          .acquire = acquire,
                                          .release = release};
    struct cache *cache = cache_create(&options);

    (void)state;
    put(cache, 1, 10, 1000);
    put(cache, 2, 20, (1 << 20) - 500);
    assert_int_equal(get(cache, 1), -1);
    assert_int_equal(get(cache, 2), 20);
    assert_true(cache_bytes(cache) <= 1 << 20);
    cache_destroy(cache);
    assert_int_equal(atomic_load(&alive), 0);
}

static void a_dropped_value_lives_as_long_as_it_is_used(void **state)
{
    struct cache *cache = create(1 << 20);
    int key = 1;

    (void)state;
    put(cache, key, 10, 100);
    struct value *value = cache_get(cache, &key, sizeof(key));
    cache_clear(cache);
    assert_int_equal(value->number, 10);
    release(value);
    assert_int_equal(atomic_load(&alive), 0);
    cache_destroy(cache);
}

static void *use_often(void *cache)
{
    for (int i = 0; i < 20000; i++) {
        if (i % 3 == 0)
            put(cache, i % 97, i % 97, 5000);
        int found = get(cache, i % 97);
        assert_true(found == -1 || found == i % 97);
    }
    return NULL;
}

static void threads_share_it(void **state)
{
    struct cache *cache = create(1 << 18);
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_create(&threads[i], NULL, use_often, cache);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    cache_destroy(cache);
    assert_int_equal(atomic_load(&alive), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_replaced_and_removed),
        cmocka_unit_test(the_limit_is_kept_and_what_is_used_stays),
        cmocka_unit_test(a_giant_does_not_empty_the_cache),
        cmocka_unit_test(a_whole_cache_keeps_what_is_nearly_its_size),
        cmocka_unit_test(a_dropped_value_lives_as_long_as_it_is_used),
        cmocka_unit_test(threads_share_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
