#include <pthread.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/state_map.h"
#include "tests/support/test.h"

enum { MODEL_KEYS = 3000 };

/* xorshift64: the same numbers on every run. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void replace(struct state_map **map, int64_t key, int64_t value)
{
    struct state_map *next = state_map_set(*map, key, value);

    state_map_release(*map);
    *map = next;
}

static void the_empty_map_is_null(void **state)
{
    (void)state;
    assert_int_equal(state_map_get(NULL, 1), 0);
    assert_int_equal(state_map_count(NULL), 0);
    assert_int_equal(state_map_bytes(NULL), 0);
    assert_null(state_map_acquire(NULL));
    assert_null(state_map_set(NULL, 1, 0));
    state_map_visit(NULL, NULL, NULL);
    state_map_diff(NULL, NULL, NULL, NULL);
    state_map_release(NULL);
}

static void setting_leaves_the_old_map_unchanged(void **state)
{
    (void)state;
    struct state_map *one = state_map_set(NULL, 7, 70);
    struct state_map *two = state_map_set(one, 8, 80);
    struct state_map *changed = state_map_set(two, 7, 71);

    assert_int_equal(state_map_get(one, 7), 70);
    assert_int_equal(state_map_get(one, 8), 0);
    assert_int_equal(state_map_get(two, 7), 70);
    assert_int_equal(state_map_get(changed, 7), 71);
    assert_int_equal(state_map_get(changed, 8), 80);
    state_map_release(one);
    state_map_release(two);
    state_map_release(changed);
}

static void setting_the_same_value_gives_the_same_map(void **state)
{
    (void)state;
    struct state_map *one = state_map_set(NULL, 7, 70);
    struct state_map *same = state_map_set(one, 7, 70);
    struct state_map *still = state_map_set(one, 9, 0);

    assert_ptr_equal(one, same);
    assert_ptr_equal(one, still);
    state_map_release(one);
    state_map_release(same);
    state_map_release(still);
}

static void putting_changes_only_the_map_it_is_asked_to(void **state)
{
    (void)state;
    uint64_t seed = 77;
    struct state_map *map = NULL, *snapshots[20] = {0};
    int64_t sums[20] = {0};
    int64_t expected[200] = {0};

    /* Every so often somebody else keeps the map as it is: then its nodes must not change. */
    for (size_t i = 0; i < COUNT_OF(snapshots); i++) {
        for (int j = 0; j < 60; j++) {
            int64_t key = (int64_t)(next_random(&seed) % 199) + 1;
            int64_t value = (int64_t)(next_random(&seed) % 5);
            state_map_put(&map, key, value);
            expected[key] = value;
        }
        snapshots[i] = state_map_acquire(map);
        for (int64_t key = 1; key < 200; key++) {
            assert_int_equal(state_map_get(map, key), expected[key]);
            sums[i] += key * expected[key];
        }
    }
    for (size_t i = 0; i < COUNT_OF(snapshots); i++) {
        int64_t sum = 0;
        for (int64_t key = 1; key < 200; key++)
            sum += key * state_map_get(snapshots[i], key);
        assert_int_equal(sum, sums[i]);
        state_map_release(snapshots[i]);
    }
    state_map_release(map);
}

static void a_map_that_was_filled_in_place_is_like_any_other(void **state)
{
    (void)state;
    struct state_map *put = NULL, *set = NULL;

    for (int64_t key = 1; key <= 5000; key++) {
        state_map_put(&put, key * 7, key);
        replace(&set, key * 7, key);
    }
    assert_int_equal(state_map_count(put), 5000);
    assert_int_equal(state_map_bytes(put), state_map_bytes(set));
    for (int64_t key = 1; key <= 5000; key++) {
        state_map_put(&put, key * 7, key == 17 ? 1 : 0);
        replace(&set, key * 7, key == 17 ? 1 : 0);
    }
    assert_int_equal(state_map_count(put), 1);
    assert_int_equal(state_map_bytes(put), state_map_bytes(set));
    state_map_release(put);
    state_map_release(set);
}

static void removing_the_last_entry_gives_the_empty_map(void **state)
{
    (void)state;
    struct state_map *map = state_map_set(NULL, 7, 70);

    replace(&map, 7, 0);
    assert_null(map);
}

/* The reference: an array indexed by key. */
struct model {
    int64_t values[MODEL_KEYS + 1];
    size_t seen;
    bool wrong;
};

static bool compare_with_model(void *context, int64_t key, int64_t value)
{
    struct model *model = context;

    model->seen++;
    if (model->values[key] != value)
        model->wrong = true;
    return true;
}

static size_t model_count(const struct model *model)
{
    size_t count = 0;

    for (size_t i = 1; i <= MODEL_KEYS; i++)
        count += model->values[i] != 0;
    return count;
}

static void assert_equals_model(const struct state_map *map, struct model *model)
{
    size_t count = model_count(model);

    for (int64_t key = 1; key <= MODEL_KEYS; key++)
        assert_int_equal(state_map_get(map, key), model->values[key]);
    assert_int_equal(state_map_count(map), count);
    model->seen = 0;
    state_map_visit(map, compare_with_model, model);
    assert_false(model->wrong);
    assert_int_equal(model->seen, count);
}

static void any_sequence_of_changes_behaves_like_an_array(void **state)
{
    (void)state;
    static struct model model;
    struct state_map *map = NULL;
    uint64_t seed = 20240611;

    for (int round = 0; round < 40; round++) {
        /* Every other ten rounds mostly remove, so the map shrinks to little and grows again. */
        uint64_t removals = (round / 10) % 2 == 0 ? 1 : 9;
        for (int i = 0; i < 700; i++) {
            int64_t key = (int64_t)(next_random(&seed) % MODEL_KEYS) + 1;
            int64_t value = next_random(&seed) % 10 < removals ? 0 : (int64_t)(i + 1);
            replace(&map, key, value);
            model.values[key] = value;
        }
        assert_equals_model(map, &model);
    }
    state_map_release(map);
}

/* Applies a reported difference to a model; a key must be reported once. */
struct patch {
    int64_t values[MODEL_KEYS + 1];
    bool touched[MODEL_KEYS + 1];
    size_t count;
    bool wrong;
};

static bool apply_difference(void *context, int64_t key, int64_t old_value, int64_t new_value)
{
    struct patch *patch = context;

    if (patch->touched[key] || patch->values[key] != old_value || old_value == new_value)
        patch->wrong = true;
    patch->touched[key] = true;
    patch->values[key] = new_value;
    patch->count++;
    return true;
}

static struct state_map *random_map(uint64_t *seed, struct state_map *base, size_t changes,
                                    uint64_t keys)
{
    struct state_map *map = state_map_acquire(base);

    for (size_t i = 0; i < changes; i++) {
        int64_t key = (int64_t)(next_random(seed) % keys) + 1;
        replace(&map, key, (int64_t)(next_random(seed) % 4));
    }
    return map;
}

static void assert_diff_leads_from_to(const struct state_map *from, const struct state_map *to)
{
    static struct patch patch;

    memset(&patch, 0, sizeof(patch));
    for (int64_t key = 1; key <= MODEL_KEYS; key++)
        patch.values[key] = state_map_get(from, key);
    state_map_diff(from, to, apply_difference, &patch);
    assert_false(patch.wrong);
    for (int64_t key = 1; key <= MODEL_KEYS; key++)
        assert_int_equal(patch.values[key], state_map_get(to, key));
}

static void the_difference_leads_from_one_map_to_the_other(void **state)
{
    (void)state;
    uint64_t seed = 5;

    for (int i = 0; i < 80; i++) {
        uint64_t keys = i % 2 == 0 ? 40 : MODEL_KEYS;
        struct state_map *base = random_map(&seed, NULL, next_random(&seed) % 300, keys);
        struct state_map *left = random_map(&seed, base, next_random(&seed) % 60, keys);
        struct state_map *right = random_map(&seed, base, next_random(&seed) % 60, keys);
        struct state_map *stranger = random_map(&seed, NULL, next_random(&seed) % 300, keys);

        assert_diff_leads_from_to(left, right);
        assert_diff_leads_from_to(right, left);
        assert_diff_leads_from_to(NULL, left);
        assert_diff_leads_from_to(left, NULL);
        assert_diff_leads_from_to(stranger, right);
        state_map_release(base);
        state_map_release(left);
        state_map_release(right);
        state_map_release(stranger);
    }
}

static bool stop_at_once(void *context, int64_t key, int64_t value)
{
    (void)key;
    (void)value;
    ++*(size_t *)context;
    return false;
}

static bool stop_diff_at_once(void *context, int64_t key, int64_t old_value, int64_t new_value)
{
    (void)new_value;
    return stop_at_once(context, key, old_value);
}

static void a_visitor_can_stop_the_walk(void **state)
{
    (void)state;
    uint64_t seed = 9;
    struct state_map *map = random_map(&seed, NULL, 2000, MODEL_KEYS);
    struct state_map *other = random_map(&seed, NULL, 2000, MODEL_KEYS);
    struct state_map *one = state_map_set(NULL, 4711, 1);
    size_t calls = 0;

    state_map_visit(map, stop_at_once, &calls);
    assert_int_equal(calls, 1);
    state_map_diff(map, other, stop_diff_at_once, &calls);
    assert_int_equal(calls, 2);
    state_map_diff(NULL, map, stop_diff_at_once, &calls);
    assert_int_equal(calls, 3);
    state_map_diff(map, NULL, stop_diff_at_once, &calls);
    assert_int_equal(calls, 4);
    state_map_diff(map, one, stop_diff_at_once, &calls);
    assert_int_equal(calls, 5);
    state_map_diff(one, map, stop_diff_at_once, &calls);
    assert_int_equal(calls, 6);
    state_map_release(map);
    state_map_release(other);
    state_map_release(one);
}

static void the_values_are_those_of_all_entries(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct state_map *map = NULL;
    int64_t sum = 0;

    for (int64_t key = 1; key <= 100; key++)
        state_map_put(&map, key, 1000 * key);
    int64_t *values = state_map_values(map, arena);
    for (size_t i = 0; i < state_map_count(map); i++)
        sum += values[i];
    assert_int_equal(sum, 1000 * 5050);
    state_map_release(map);
    arena_release(&arena);
}

static void keys_that_share_hash_prefixes_get_deep_tries(void **state)
{
    (void)state;
    /* 40,000 keys give every depth that a big room sees; removal must pull everything up again. */
    struct state_map *map = NULL;

    for (int64_t key = 1; key <= 40000; key++)
        replace(&map, key, key);
    assert_int_equal(state_map_count(map), 40000);
    for (int64_t key = 1; key <= 40000; key += 397)
        assert_int_equal(state_map_get(map, key), key);
    for (int64_t key = 2; key <= 40000; key++)
        replace(&map, key, 0);
    assert_int_equal(state_map_count(map), 1);

    struct state_map *fresh = state_map_set(NULL, 1, 1);
    assert_int_equal(state_map_bytes(map), state_map_bytes(fresh));
    state_map_release(fresh);
    state_map_release(map);
}

static void a_change_in_a_large_map_shares_nearly_everything(void **state)
{
    (void)state;
    static struct patch patch;
    struct state_map *map = NULL;

    for (int64_t key = 1; key <= MODEL_KEYS; key++)
        replace(&map, key, key);
    struct state_map *changed = state_map_set(map, 5, 99);

    memset(&patch, 0, sizeof(patch));
    for (int64_t key = 1; key <= MODEL_KEYS; key++)
        patch.values[key] = key;
    state_map_diff(map, changed, apply_difference, &patch);
    assert_false(patch.wrong);
    assert_int_equal(patch.count, 1);
    assert_int_equal(patch.values[5], 99);
    assert_true(state_map_bytes(map) < MODEL_KEYS * 40);
    state_map_release(map);
    state_map_release(changed);
}

static void *use_a_shared_map(void *context)
{
    struct state_map *shared = context;
    uint64_t seed = (uint64_t)(uintptr_t)&seed | 1;
    struct state_map *own = state_map_acquire(shared);

    for (int64_t i = 0; i < 1000; i++) {
        replace(&own, (int64_t)(next_random(&seed) % MODEL_KEYS) + 1, i + 1);
        struct state_map *again = state_map_acquire(shared);
        if (state_map_get(again, 17) != 17)
            abort();
        state_map_release(again);
    }
    state_map_release(own);
    return NULL;
}

static void threads_may_share_a_map(void **state)
{
    (void)state;
    struct state_map *shared = NULL;
    pthread_t threads[4];

    for (int64_t key = 1; key <= 500; key++)
        replace(&shared, key, key);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_a_shared_map, shared), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int64_t key = 1; key <= 500; key++)
        assert_int_equal(state_map_get(shared, key), key);
    state_map_release(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_empty_map_is_null),
        cmocka_unit_test(setting_leaves_the_old_map_unchanged),
        cmocka_unit_test(setting_the_same_value_gives_the_same_map),
        cmocka_unit_test(putting_changes_only_the_map_it_is_asked_to),
        cmocka_unit_test(a_map_that_was_filled_in_place_is_like_any_other),
        cmocka_unit_test(removing_the_last_entry_gives_the_empty_map),
        cmocka_unit_test(any_sequence_of_changes_behaves_like_an_array),
        cmocka_unit_test(the_difference_leads_from_one_map_to_the_other),
        cmocka_unit_test(a_visitor_can_stop_the_walk),
        cmocka_unit_test(the_values_are_those_of_all_entries),
        cmocka_unit_test(keys_that_share_hash_prefixes_get_deep_tries),
        cmocka_unit_test(a_change_in_a_large_map_shares_nearly_everything),
        cmocka_unit_test(threads_may_share_a_map),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
