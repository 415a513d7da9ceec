#include "homeserver/base/arena.h"
#include "storage/accounts.h"
#include "storage/db.h"
#include "storage/journal.h"
#include "storage/memberships.h"
#include "tests/support/journal.h"
#include "tests/support/test.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, journal_setup, journal_teardown)

enum { ROOM = 1 };

static int64_t new_user(struct journal_fixture *fixture)
{
    const struct account account = {.user_id = "@a:one", .created_ts = 1};
    int64_t user_nid;

    assert_int_equal(account_insert(fixture->db, fixture->arena, &account, &user_nid), OK);
    return user_nid;
}

static void knock(struct journal_fixture *fixture, int64_t user_nid)
{
    const struct membership_row row = {
        .room_nid = ROOM,
        .user_nid = user_nid,
        .membership = STORED_KNOCK,
        .is_local = true,
        .sender_nid = user_nid,
    };
    struct journal_entry *entry = journal_entry_create();

    membership_set_in(entry, &row);
    journal_commit(fixture, entry);
}

static struct membership_row load(struct journal_fixture *fixture, int64_t user_nid)
{
    struct membership_row row;

    assert_int_equal(membership_load(fixture->db, fixture->arena, ROOM, user_nid, &row), OK);
    return row;
}

static void end(struct journal_fixture *fixture, struct membership_row row)
{
    struct journal_entry *entry = journal_entry_create();

    row.membership = STORED_LEAVE;
    membership_end_in(entry, &row);
    journal_commit(fixture, entry);
}

static void a_knock_ends(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t user = new_user(fixture);

    knock(fixture, user);
    struct membership_row before = load(fixture, user);
    end(fixture, before);
    struct membership_row after = load(fixture, user);
    assert_int_equal(after.membership, STORED_LEAVE);
    assert_true(after.position > before.position);
}

static void the_end_of_a_knock_does_not_end_the_one_that_came_meanwhile(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t user = new_user(fixture);

    knock(fixture, user);
    struct membership_row first = load(fixture, user);
    knock(fixture, user);
    struct membership_row second = load(fixture, user);
    end(fixture, first);
    struct membership_row after = load(fixture, user);
    assert_int_equal(after.membership, STORED_KNOCK);
    assert_int_equal(after.position, second.position);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_knock_ends),
        TEST(the_end_of_a_knock_does_not_end_the_one_that_came_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
