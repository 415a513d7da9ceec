#include "homeserver/base/arena.h"
#include "storage/accounts.h"
#include "storage/threepids.h"
#include "storage/users.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, storage_setup, storage_teardown)

static int64_t insert(struct storage_fixture *fixture, const char *user_id)
{
    const struct account account = {
        .user_id = user_id, .password_hash = "hash", .created_ts = 5, .is_admin = true};
    int64_t user_nid;

    assert_int_equal(account_insert(fixture->db, fixture->arena, &account, &user_nid), OK);
    return user_nid;
}

static void an_account_is_found_as_it_was_made(void **state)
{
    struct storage_fixture *fixture = *state;
    int64_t user_nid = insert(fixture, "@anna:a.example");
    const struct account *account;

    assert_int_equal(account_load(fixture->db, fixture->arena, "@anna:a.example", &account), OK);
    assert_int_equal(account->user_nid, user_nid);
    assert_string_equal(account->password_hash, "hash");
    assert_int_equal(account->created_ts, 5);
    assert_true(account->is_admin);
    assert_false(account->is_guest);
    assert_false(account->is_locked);
    assert_int_equal(account->deactivated_ts, 0);
}

static void a_user_without_account_is_not_an_account(void **state)
{
    struct storage_fixture *fixture = *state;
    const struct account *account;
    int64_t nid;

    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, "@seen:b.example", &nid), OK);
    assert_int_equal(account_load(fixture->db, fixture->arena, "@seen:b.example", &account),
                     M_NOT_FOUND);
    /* … and may become one: somebody mentioned the name before its owner came. */
    assert_int_equal(insert(fixture, "@seen:b.example"), nid);
}

static void a_name_is_given_once_even_after_deactivation(void **state)
{
    struct storage_fixture *fixture = *state;
    const struct account again = {.user_id = "@anna:a.example"};
    const struct account *account;
    int64_t user_nid = insert(fixture, "@anna:a.example");

    assert_int_equal(account_deactivate(fixture->db, user_nid, 9, true), OK);
    assert_int_equal(account_insert(fixture->db, fixture->arena, &again, &user_nid), M_USER_IN_USE);
    assert_int_equal(account_load_by_nid(fixture->db, fixture->arena, user_nid, &account), OK);
    assert_int_equal(account->deactivated_ts, 9);
    assert_null(account->password_hash);
    assert_false(account->is_admin);
}

static void a_hash_is_replaced_only_if_it_is_still_the_old_one(void **state)
{
    struct storage_fixture *fixture = *state;
    const struct account *account;
    int64_t user_nid = insert(fixture, "@anna:a.example");

    assert_int_equal(account_set_password(fixture->db, user_nid, "changed meanwhile"), OK);
    assert_int_equal(account_replace_password_hash(fixture->db, user_nid, "hash", "better"), OK);
    assert_int_equal(account_load_by_nid(fixture->db, fixture->arena, user_nid, &account), OK);
    assert_string_equal(account->password_hash, "changed meanwhile");
}

static void an_address_belongs_to_one_account(void **state)
{
    struct storage_fixture *fixture = *state;
    const struct threepid mail = {.medium = "email", .address = "a@a.example", .validated_ts = 1};
    int64_t anna = insert(fixture, "@anna:a.example");
    int64_t ben = insert(fixture, "@ben:a.example");
    int64_t found;

    assert_int_equal(threepid_insert(fixture->db, anna, &mail), OK);
    assert_int_equal(threepid_insert(fixture->db, anna, &mail), OK);
    assert_int_equal(threepid_insert(fixture->db, ben, &mail), M_THREEPID_IN_USE);
    assert_int_equal(
        threepid_find_user(fixture->db, fixture->arena, "email", "a@a.example", &found), OK);
    assert_int_equal(found, anna);
    assert_int_equal(threepid_delete(fixture->db, ben, "email", "a@a.example"), M_NOT_FOUND);
    assert_int_equal(threepid_delete(fixture->db, anna, "email", "a@a.example"), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_account_is_found_as_it_was_made),
        TEST(a_user_without_account_is_not_an_account),
        TEST(a_name_is_given_once_even_after_deactivation),
        TEST(a_hash_is_replaced_only_if_it_is_still_the_old_one),
        TEST(an_address_belongs_to_one_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
