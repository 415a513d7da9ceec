#include "homeserver/accounts/token_cache.h"
#include "homeserver/base/arena.h"
#include "tests/support/test.h"

static const uint8_t hash[SHA256_BYTES] = {1, 2, 3};
static const struct access_token token = {.token_nid = 7,
                                          .user_nid = 5,
                                          .user_id = "@anna:test.example",
                                          .device_id = "PHONE",
                                          .is_admin = true};

static bool find(struct token_cache *cache, struct arena *arena, const uint8_t *wanted,
                 int64_t now_ms, struct access_token *out)
{
    const struct token_question question = {
        .hash = wanted, .now_ms = now_ms, .wall_ms = 0, .seen_interval_ms = INT64_MAX};

    return token_cache_find(cache, arena, &question, out);
}

static void a_stored_token_is_found_for_a_second(void **state UNUSED)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct token_cache *cache = token_cache_create();
    struct access_token found;

    assert_false(find(cache, arena, hash, 0, &found));
    token_cache_store(cache, token_cache_epoch(cache), hash, 0, &token);
    assert_true(find(cache, arena, hash, TOKEN_CACHE_LIFETIME_MS - 1, &found));
    assert_int_equal(found.token_nid, 7);
    assert_string_equal(found.user_id, "@anna:test.example");
    assert_string_equal(found.device_id, "PHONE");
    assert_null(found.appservice_id);
    assert_true(found.is_admin);
    assert_false(find(cache, arena, hash, TOKEN_CACHE_LIFETIME_MS, &found));
    token_cache_destroy(cache);
}

static void tokens_of_one_set_live_together_until_there_are_too_many(void **state UNUSED)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct token_cache *cache = token_cache_create();
    struct access_token found;
    uint8_t others[5][SHA256_BYTES] = {0};

    for (uint8_t i = 0; i < 5; i++)
        memcpy(others[i], (const uint8_t[]){1, 2, 10, i}, 4);
    for (uint8_t i = 0; i < 4; i++) {
        assert_false(find(cache, arena, others[i], i, &found));
        token_cache_store(cache, token_cache_epoch(cache), others[i], i, &token);
    }
    for (uint8_t i = 0; i < 4; i++)
        assert_true(find(cache, arena, others[i], 4, &found));
    /* The oldest goes; that another one is stored again moves nobody. */
    token_cache_store(cache, token_cache_epoch(cache), others[2], 5, &token);
    token_cache_store(cache, token_cache_epoch(cache), others[4], 6, &token);
    assert_false(find(cache, arena, others[0], 7, &found));
    for (uint8_t i = 1; i < 5; i++)
        assert_true(find(cache, arena, others[i], 7, &found));
    token_cache_destroy(cache);
}

static void what_was_read_before_an_invalidation_is_never_used_after_it(void **state UNUSED)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct token_cache *cache = token_cache_create();
    uint64_t epoch = token_cache_epoch(cache);
    struct access_token found;

    token_cache_invalidate(cache);
    token_cache_store(cache, epoch, hash, 0, &token);
    assert_false(find(cache, arena, hash, 0, &found));
    token_cache_store(cache, token_cache_epoch(cache), hash, 0, &token);
    assert_true(find(cache, arena, hash, 0, &found));
    token_cache_invalidate(cache);
    assert_false(find(cache, arena, hash, 0, &found));
    token_cache_destroy(cache);
}

static void a_token_is_found_as_long_as_notifications_are_known_to_arrive(void **state UNUSED)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct token_cache *cache = token_cache_create();
    struct access_token found;

    token_cache_store(cache, token_cache_epoch(cache), hash, 0, &token);
    token_cache_confirm(cache, 5000);
    assert_true(find(cache, arena, hash, 5000 + TOKEN_CACHE_LIFETIME_MS - 1, &found));
    assert_false(find(cache, arena, hash, 5000 + TOKEN_CACHE_LIFETIME_MS, &found));
    token_cache_confirm(cache, 6000);
    token_cache_confirm(cache, 5500); /* came late */
    assert_true(find(cache, arena, hash, 6000 + TOKEN_CACHE_LIFETIME_MS - 1, &found));
    token_cache_invalidate_user(cache, token.user_nid);
    token_cache_confirm(cache, 7000);
    assert_false(find(cache, arena, hash, 7000, &found));
    token_cache_destroy(cache);
}

static void what_ends_for_one_user_goes_on_for_another(void **state UNUSED)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct token_cache *cache = token_cache_create();
    uint64_t epoch = token_cache_epoch(cache);
    struct access_token found;

    token_cache_store(cache, epoch, hash, 0, &token);
    token_cache_invalidate_user(cache, token.user_nid + 1);
    assert_true(find(cache, arena, hash, 0, &found));
    token_cache_invalidate_user(cache, token.user_nid);
    assert_false(find(cache, arena, hash, 0, &found));
    token_cache_store(cache, epoch, hash, 0, &token);
    assert_false(find(cache, arena, hash, 0, &found));
    token_cache_store(cache, token_cache_epoch(cache), hash, 0, &token);
    assert_true(find(cache, arena, hash, 0, &found));
    token_cache_destroy(cache);
}

static void one_request_in_a_while_is_told_to_note_the_use(void **state UNUSED)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct token_cache *cache = token_cache_create();
    struct token_question question = {.hash = hash, .wall_ms = 60000, .seen_interval_ms = 60000};
    struct access_token found;

    token_cache_store(cache, token_cache_epoch(cache), hash, 0, &token);
    assert_true(token_cache_find(cache, arena, &question, &found));
    assert_int_equal(found.last_seen_ts, 0);
    assert_true(token_cache_find(cache, arena, &question, &found));
    assert_int_equal(found.last_seen_ts, 60000);
    question.wall_ms = 120000;
    assert_true(token_cache_find(cache, arena, &question, &found));
    assert_int_equal(found.last_seen_ts, 60000);
    token_cache_destroy(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stored_token_is_found_for_a_second),
        cmocka_unit_test(tokens_of_one_set_live_together_until_there_are_too_many),
        cmocka_unit_test(a_token_is_found_as_long_as_notifications_are_known_to_arrive),
        cmocka_unit_test(what_ends_for_one_user_goes_on_for_another),
        cmocka_unit_test(one_request_in_a_while_is_told_to_note_the_use),
        cmocka_unit_test(what_was_read_before_an_invalidation_is_never_used_after_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
