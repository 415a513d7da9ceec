#include "homeserver/base/arena.h"
#include "storage/accounts.h"
#include "storage/db.h"
#include "storage/device_list_changes.h"
#include "storage/journal.h"
#include "storage/memberships.h"
#include "tests/support/journal.h"
#include "tests/support/test.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, journal_setup, journal_teardown)

enum { ROOM = 1, OTHER_ROOM = 2, MEMBER_EVENT = 1 };

static int64_t new_user(struct journal_fixture *fixture)
{
    const struct account account = {.user_id = "@a:one", .created_ts = 1};
    int64_t user_nid;

    assert_int_equal(account_insert(fixture->db, fixture->arena, &account, &user_nid), OK);
    return user_nid;
}

static void enter(struct journal_fixture *fixture, int64_t user_nid, int64_t room_nid,
                  enum stored_membership membership)
{
    const struct membership_row row = {
        .room_nid = room_nid,
        .user_nid = user_nid,
        .membership = membership,
        .is_local = true,
        .event_nid = MEMBER_EVENT,
        .sender_nid = user_nid,
    };
    struct journal_entry *entry = journal_entry_create();

    membership_set_in(entry, &row);
    journal_commit(fixture, entry);
}

static struct journal_entry *change_of(struct journal_fixture *fixture, int64_t user_nid)
{
    struct journal_entry *entry = journal_entry_create();

    assert_int_equal(device_list_changed_in(fixture->db, fixture->arena, entry, user_nid), OK);
    return entry;
}

static size_t changes_since(struct journal_fixture *fixture, int64_t user_nid, int64_t position)
{
    const struct device_list_query query = {.viewer_nid = user_nid,
                                            .range = {.since = position, .until = INT64_MAX}};
    struct device_list_change *changes;
    size_t count;

    assert_int_equal(
        device_list_changes_load(fixture->db, fixture->arena, &query, &changes, &count), OK);
    return count;
}

static void a_change_is_repeated_when_its_user_came_into_a_room_meanwhile(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t user = new_user(fixture);

    for (enum stored_membership how = STORED_INVITE; how <= STORED_JOIN; how++) {
        struct journal_entry *late = change_of(fixture, user);
        enter(fixture, user, how, how);
        assert_int_equal(journal_try(fixture, late), E_CONFLICT);
        assert_int_equal(journal_try(fixture, change_of(fixture, user)), OK);
        assert_int_equal(changes_since(fixture, user, 0), 1);
    }
}

static void who_left_a_room_meanwhile_need_not_be_heard_there(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t user = new_user(fixture);

    enter(fixture, user, ROOM, STORED_JOIN);
    enter(fixture, user, OTHER_ROOM, STORED_JOIN);
    struct journal_entry *entry = change_of(fixture, user);
    enter(fixture, user, OTHER_ROOM, STORED_LEAVE);
    assert_int_equal(journal_try(fixture, entry), OK);
    assert_int_equal(changes_since(fixture, user, 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_change_is_repeated_when_its_user_came_into_a_room_meanwhile),
        TEST(who_left_a_room_meanwhile_need_not_be_heard_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
