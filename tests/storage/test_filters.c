#include "homeserver/base/arena.h"
#include "storage/filters.h"
#include "storage/users.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

static const char *save(struct storage_fixture *fixture, int64_t user_nid, const char *content)
{
    const char *filter_id;

    assert_int_equal(filter_save(fixture->db, fixture->arena, user_nid, content, &filter_id), OK);
    return filter_id;
}

static void a_filter_belongs_to_its_user(void **state)
{
    struct storage_fixture *fixture = *state;
    const char *content;
    int64_t a;
    int64_t b;

    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, "@a:one", &a), OK);
    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, "@b:one", &b), OK);
    const char *filter_id = save(fixture, a, "{\"x\":1}");
    assert_true(filter_id[0] != '{');
    assert_int_equal(filter_load(fixture->db, fixture->arena, a, filter_id, &content), OK);
    assert_string_equal(content, "{\"x\":1}");
    assert_int_equal(filter_load(fixture->db, fixture->arena, b, filter_id, &content), M_NOT_FOUND);
    assert_int_equal(filter_load(fixture->db, fixture->arena, a, "none", &content), M_NOT_FOUND);
    assert_int_equal(filter_load(fixture->db, fixture->arena, a, "", &content), M_NOT_FOUND);
}

static void equal_filters_share_an_id(void **state)
{
    struct storage_fixture *fixture = *state;
    int64_t a;
    int64_t b;

    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, "@a:one", &a), OK);
    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, "@b:one", &b), OK);
    const char *first = save(fixture, a, "{}");
    assert_string_equal(save(fixture, a, "{}"), first);
    assert_string_not_equal(save(fixture, a, "{\"y\":1}"), first);
    assert_string_not_equal(save(fixture, b, "{}"), first);
}

static void a_user_has_a_limited_number_of_filters(void **state)
{
    struct storage_fixture *fixture = *state;
    const char *filter_id;
    int64_t a;

    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, "@a:one", &a), OK);
    for (int i = 0; i < FILTERS_PER_USER_MAX; i++)
        save(fixture, a, arena_printf(fixture->arena, "{\"x\":%d}", i));
    assert_int_equal(filter_save(fixture->db, fixture->arena, a, "{\"more\":1}", &filter_id),
                     M_RESOURCE_LIMIT_EXCEEDED);
    save(fixture, a, "{\"x\":5}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, storage_setup, storage_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_filter_belongs_to_its_user),
        TEST(equal_filters_share_an_id),
        TEST(a_user_has_a_limited_number_of_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
