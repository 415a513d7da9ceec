#include "homeserver/base/arena.h"
#include "storage/client_transactions.h"
#include "storage/recent_transactions.h"
#include "tests/support/test.h"

enum { LIMIT_BYTES = 1 << 20, LITTLE_BYTES = 64 << 10 };

static struct client_transaction transaction_of(const char *device_id, const char *key)
{
    return (struct client_transaction){.user_nid = 5, .device_id = device_id, .txn_key = key};
}

static void a_committed_transaction_is_found_and_no_other(void **state)
{
    struct recent_transactions *recent = recent_transactions_create(LIMIT_BYTES);
    struct arena *arena = arena_create();
    const struct client_transaction sent = transaction_of("PHONE", "send !a 1");
    const struct client_transaction others[] = {
        transaction_of("PHONE", "send !a 2"),
        transaction_of("TABLET", "send !a 1"),
        /* Written behind each other these would look the same. */
        transaction_of("PHONEsend", " !a 1"),
        {.user_nid = 6, .device_id = "PHONE", .txn_key = "send !a 1"},
    };

    (void)state;
    recent_transactions_add(recent, &sent, "$event");
    assert_string_equal(recent_transactions_find(recent, arena, &sent), "$event");
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_null(recent_transactions_find(recent, arena, &others[i]));
    arena_destroy(arena);
    recent_transactions_destroy(recent);
}

static void a_device_is_guessed_about_until_a_guess_was_wrong(void **state)
{
    struct recent_transactions *recent = recent_transactions_create(LIMIT_BYTES);
    const struct client_transaction first = transaction_of("PHONE", "send !a 1");
    const struct client_transaction second = transaction_of("PHONE", "send !a 2");
    const struct client_transaction other = transaction_of("TABLET", "send !a 2");

    (void)state;
    assert_false(recent_transactions_may_guess(recent, &first));
    recent_transactions_was_new(recent, &first);
    assert_true(recent_transactions_may_guess(recent, &second));
    assert_false(recent_transactions_may_guess(recent, &other));
    recent_transactions_guessed_wrong(recent, &second);
    assert_false(recent_transactions_may_guess(recent, &first));
    recent_transactions_was_new(recent, &first);
    assert_false(recent_transactions_may_guess(recent, &first));
    recent_transactions_destroy(recent);
}

static void nothing_is_guessed_without_a_memory(void **state)
{
    const struct client_transaction sent = transaction_of("PHONE", "send !a 1");

    (void)state;
    recent_transactions_add(NULL, &sent, "$event");
    recent_transactions_was_new(NULL, &sent);
    assert_null(recent_transactions_find(NULL, NULL, &sent));
    assert_false(recent_transactions_may_guess(NULL, &sent));
    recent_transactions_destroy(NULL);
}

static void many_transactions_push_the_oldest_out(void **state)
{
    struct recent_transactions *recent = recent_transactions_create(LITTLE_BYTES);
    struct arena *arena = arena_create();
    char key[32];
    int known = 0;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof(key), "send !a %d", i);
        const struct client_transaction sent = transaction_of("PHONE", key);
        recent_transactions_add(recent, &sent, "$event");
        assert_non_null(recent_transactions_find(recent, arena, &sent));
    }
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof(key), "send !a %d", i);
        const struct client_transaction sent = transaction_of("PHONE", key);
        known += recent_transactions_find(recent, arena, &sent) != NULL ? 1 : 0;
    }
    assert_in_range(known, 1, 1000);
    arena_destroy(arena);
    recent_transactions_destroy(recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_committed_transaction_is_found_and_no_other),
        cmocka_unit_test(a_device_is_guessed_about_until_a_guess_was_wrong),
        cmocka_unit_test(nothing_is_guessed_without_a_memory),
        cmocka_unit_test(many_transactions_push_the_oldest_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
