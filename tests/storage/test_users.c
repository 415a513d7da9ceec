#include "homeserver/base/arena.h"
#include "storage/users.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, storage_setup, storage_teardown)

static void a_user_id_keeps_its_number(void **state)
{
    struct storage_fixture *fixture = *state;
    int64_t first, second, other;

    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, "@anna:a.example", &first), OK);
    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, "@ben:b.example", &other), OK);
    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, "@anna:a.example", &second), OK);
    assert_int_equal(first, second);
    assert_int_not_equal(first, other);
}

static void user_ids_that_differ_in_case_are_two_users(void **state)
{
    struct storage_fixture *fixture = *state;
    const char *ids[] = {"@Anna:a.example", "@anna:a.example"};
    int64_t nids[2];

    assert_int_equal(user_nids_intern(fixture->db, fixture->arena, ids, 2, nids), OK);
    assert_int_not_equal(nids[0], nids[1]);
}

static void many_are_interned_together_even_when_they_repeat(void **state)
{
    struct storage_fixture *fixture = *state;
    const char *ids[] = {"@b:x", "@a:x", "@b:x", "@été:x"};
    const char **found;
    int64_t known, nids[4];

    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, "@a:x", &known), OK);
    assert_int_equal(user_nids_intern(fixture->db, fixture->arena, ids, 4, nids), OK);
    assert_int_equal(nids[1], known);
    assert_int_equal(nids[0], nids[2]);
    assert_int_equal(user_ids_load(fixture->db, fixture->arena, nids, 4, &found), OK);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(found[i], ids[i]);
}

static void finding_makes_no_rows(void **state)
{
    struct storage_fixture *fixture = *state;
    const char *ids[] = {"@nobody:x", "@somebody:x"};
    int64_t nid, nids[2];

    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, "@somebody:x", &nid), OK);
    assert_int_equal(user_nid_find(fixture->db, fixture->arena, "@nobody:x", &nid), M_NOT_FOUND);
    assert_int_equal(user_nids_find(fixture->db, fixture->arena, ids, 2, nids), OK);
    assert_int_equal(nids[0], 0);
    assert_int_equal(nids[1], nid);
    assert_int_equal(test_sql_int(fixture->db, "SELECT count(*) FROM users"), 1);
}

static void a_number_that_does_not_exist_has_no_user_id(void **state)
{
    struct storage_fixture *fixture = *state;
    const int64_t nids[] = {4711};
    const char **found;
    const char *user_id;

    assert_int_equal(user_id_load(fixture->db, fixture->arena, 4711, &user_id), M_NOT_FOUND);
    assert_int_equal(user_ids_load(fixture->db, fixture->arena, nids, 1, &found), OK);
    assert_null(found[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_user_id_keeps_its_number),
        TEST(user_ids_that_differ_in_case_are_two_users),
        TEST(many_are_interned_together_even_when_they_repeat),
        TEST(finding_makes_no_rows),
        TEST(a_number_that_does_not_exist_has_no_user_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
