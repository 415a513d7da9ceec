#include "homeserver/base/arena.h"
#include "storage/accounts.h"
#include "storage/profiles.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, storage_setup, storage_teardown)

static int64_t insert_account(struct storage_fixture *fixture)
{
    const struct account account = {.user_id = "@anna:a.example"};
    int64_t user_nid;

    assert_int_equal(account_insert(fixture->db, fixture->arena, &account, &user_nid), OK);
    return user_nid;
}

static enum errcode set(struct storage_fixture *fixture, const struct profile_change *change)
{
    return profile_set_field(fixture->db, fixture->arena, change);
}

static void values_come_back_as_they_were_set(void **state)
{
    struct storage_fixture *fixture = *state;
    int64_t user_nid = insert_account(fixture);
    struct profile_change change = {.user_nid = user_nid, .bytes_max = 1000};
    struct profile_summary summary;
    json_t *profile;

    change.field = "displayname";
    change.value = "\"old\"";
    assert_int_equal(set(fixture, &change), OK);
    change.value = "\"Anna\"";
    assert_int_equal(set(fixture, &change), OK);
    change.field = "org.example.list";
    change.value = "[1,null,{\"a\":\"\\u0000\"}]";
    assert_int_equal(set(fixture, &change), OK);

    assert_int_equal(profile_load(fixture->db, fixture->arena, user_nid, &profile), OK);
    assert_int_equal(json_object_size(profile), 2);
    assert_int_equal(json_array_size(json_object_get(profile, "org.example.list")), 3);
    assert_int_equal(profile_load_summary(fixture->db, fixture->arena, user_nid, &summary), OK);
    assert_string_equal(summary.display_name, "Anna");
    assert_null(summary.avatar_url);
}

static void the_limit_counts_every_byte_of_the_profile(void **state)
{
    struct storage_fixture *fixture = *state;
    int64_t user_nid = insert_account(fixture);
    struct profile_change change = {.user_nid = user_nid, .field = "a", .value = "\"123\""};

    change.bytes_max = strlen("{\"a\":\"123\"}") - 1;
    assert_int_equal(set(fixture, &change), M_PROFILE_TOO_LARGE);
    change.bytes_max++;
    assert_int_equal(set(fixture, &change), OK);
    assert_int_equal(set(fixture, &change), OK);
    change.field = "b";
    change.value = "1";
    assert_int_equal(set(fixture, &change), M_PROFILE_TOO_LARGE);
    change.bytes_max = strlen("{\"a\":\"123\",\"b\":1}");
    assert_int_equal(set(fixture, &change), OK);
}

static void a_deleted_field_is_gone(void **state)
{
    struct storage_fixture *fixture = *state;
    int64_t user_nid = insert_account(fixture);
    const struct profile_change change = {
        .user_nid = user_nid, .field = "m.tz", .value = "\"Europe/Paris\"", .bytes_max = 100};
    json_t *profile;

    assert_int_equal(set(fixture, &change), OK);
    assert_int_equal(profile_delete_field(fixture->db, user_nid, "m.tz"), OK);
    assert_int_equal(profile_delete_field(fixture->db, user_nid, "m.tz"), OK);
    assert_int_equal(profile_load(fixture->db, fixture->arena, user_nid, &profile), OK);
    assert_int_equal(json_object_size(profile), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_come_back_as_they_were_set),
        TEST(the_limit_counts_every_byte_of_the_profile),
        TEST(a_deleted_field_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
