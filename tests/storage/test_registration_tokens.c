#include "homeserver/base/arena.h"
#include "storage/registration_tokens.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, storage_setup, storage_teardown)

static void insert(struct storage_fixture *fixture, int64_t uses_allowed, int64_t expires_ts)
{
    const struct registration_token token = {
        .token = "welcome", .uses_allowed = uses_allowed, .expires_ts = expires_ts};

    assert_int_equal(registration_token_insert(fixture->db, &token, 1), OK);
}

static bool is_valid(struct storage_fixture *fixture, int64_t now_ms)
{
    bool valid;

    assert_int_equal(
        registration_token_is_valid(fixture->db, fixture->arena, "welcome", now_ms, &valid), OK);
    return valid;
}

static void a_token_is_used_as_often_as_allowed(void **state)
{
    struct storage_fixture *fixture = *state;

    insert(fixture, 2, 0);
    assert_int_equal(registration_token_use(fixture->db, "welcome", 1), OK);
    assert_true(is_valid(fixture, 1));
    assert_int_equal(registration_token_use(fixture->db, "welcome", 1), OK);
    assert_false(is_valid(fixture, 1));
    assert_int_equal(registration_token_use(fixture->db, "welcome", 1), M_FORBIDDEN);
}

static void a_token_without_limit_is_used_for_ever(void **state)
{
    struct storage_fixture *fixture = *state;

    insert(fixture, -1, 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(registration_token_use(fixture->db, "welcome", 1), OK);
    assert_true(is_valid(fixture, INT64_MAX));
}

static void a_token_expires(void **state)
{
    struct storage_fixture *fixture = *state;

    insert(fixture, -1, 100);
    assert_true(is_valid(fixture, 99));
    assert_false(is_valid(fixture, 100));
    assert_int_equal(registration_token_use(fixture->db, "welcome", 100), M_FORBIDDEN);
}

static void a_token_is_made_once(void **state)
{
    struct storage_fixture *fixture = *state;
    const struct registration_token again = {.token = "welcome", .uses_allowed = -1};

    insert(fixture, 1, 0);
    assert_int_equal(registration_token_insert(fixture->db, &again, 1), M_INVALID_PARAM);
}

static void a_limit_below_the_uses_so_far_ends_the_token(void **state)
{
    struct storage_fixture *fixture = *state;
    struct registration_token token = {.token = "welcome", .uses_allowed = 0};

    insert(fixture, -1, 0);
    assert_int_equal(registration_token_use(fixture->db, "welcome", 1), OK);
    assert_int_equal(registration_token_update(fixture->db, &token), OK);
    assert_false(is_valid(fixture, 1));
    token.uses_allowed = -1;
    assert_int_equal(registration_token_update(fixture->db, &token), OK);
    assert_true(is_valid(fixture, 1));
    assert_int_equal(registration_token_load(fixture->db, fixture->arena, "welcome", &token), OK);
    assert_int_equal(token.uses_allowed, -1);
    assert_int_equal(token.uses_completed, 1);
}

static void a_nonce_is_taken_once_and_in_time(void **state)
{
    struct storage_fixture *fixture = *state;

    assert_int_equal(registration_nonce_insert(fixture->db, "n1", 1, 100), OK);
    assert_int_equal(registration_nonce_insert(fixture->db, "n2", 1, 100), OK);
    assert_int_equal(registration_nonce_take(fixture->db, "n1", 99), OK);
    assert_int_equal(registration_nonce_take(fixture->db, "n1", 99), M_NOT_FOUND);
    assert_int_equal(registration_nonce_take(fixture->db, "n2", 100), M_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_is_used_as_often_as_allowed),
        TEST(a_token_without_limit_is_used_for_ever),
        TEST(a_token_expires),
        TEST(a_token_is_made_once),
        TEST(a_limit_below_the_uses_so_far_ends_the_token),
        TEST(a_nonce_is_taken_once_and_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
