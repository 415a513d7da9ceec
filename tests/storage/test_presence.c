#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/presence.h"
#include "storage/users.h"
#include "tests/support/journal.h"
#include "tests/support/test.h"

static int64_t user(struct journal_fixture *fixture, const char *user_id)
{
    int64_t nid;

    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, user_id, &nid), OK);
    return nid;
}

static int64_t set(struct journal_fixture *fixture, struct presence_row row)
{
    struct journal_entry *entry = journal_entry_create();

    presence_set_in(entry, &row);
    return journal_commit(fixture, entry);
}

static void presence_is_loaded_as_it_was_set(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t a = user(fixture, "@a:one");
    struct presence_row row;

    assert_int_equal(presence_load(fixture->db, fixture->arena, a, &row), M_NOT_FOUND);
    set(fixture, (struct presence_row){.user_nid = a,
                                       .state = PRESENCE_ONLINE,
                                       .status_msg = "busy",
                                       .last_active_ts = 1234,
                                       .currently_active = true,
                                       .node = 9});
    assert_int_equal(presence_load(fixture->db, fixture->arena, a, &row), OK);
    assert_int_equal(row.state, PRESENCE_ONLINE);
    assert_string_equal(row.status_msg, "busy");
    assert_string_equal(row.user_id, "@a:one");
    assert_int_equal(row.last_active_ts, 1234);
    assert_true(row.currently_active);
    assert_int_equal(row.node, 9);
}

static void the_state_alone_leaves_the_message(void **state)
{
    struct journal_fixture *fixture = *state;
    struct presence_row row = {.user_nid = user(fixture, "@m:one"), .state = PRESENCE_ONLINE};
    struct presence_row found;

    for (size_t i = 0; i < 3; i++) {
        struct journal_entry *entry = journal_entry_create();
        row.state = i % 2 == 0 ? PRESENCE_UNAVAILABLE : PRESENCE_ONLINE;
        presence_set_state_in(entry, &row);
        journal_commit(fixture, entry);
        assert_int_equal(presence_load(fixture->db, fixture->arena, row.user_nid, &found), OK);
        assert_int_equal(found.state, row.state);
        assert_true(i == 0 ? found.status_msg == NULL : strcmp(found.status_msg, "busy") == 0);
        row.status_msg = "busy";
        set(fixture, row);
    }
}

static struct position_range since_until_now(struct journal_fixture *fixture, int64_t since)
{
    return (struct position_range){since, journal_position(fixture->journal), 10};
}

static size_t count_changed(struct journal_fixture *fixture, int64_t viewer, int64_t since)
{
    struct presence_row *rows;
    size_t count;
    const int64_t room_nids[] = {1};
    const struct presence_query query = {.viewer_nid = viewer,
                                         .range = since_until_now(fixture, since),
                                         .rooms = {room_nids, since > 0 ? 1 : 0}};

    assert_int_equal(presence_changed(fixture->db, fixture->arena, &query, &rows, &count), OK);
    return count;
}

static void presence_is_seen_by_those_who_share_a_room(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t a = user(fixture, "@a:one");
    int64_t b = user(fixture, "@b:one");
    int64_t c = user(fixture, "@c:one");

    test_sql(fixture->db,
             "INSERT INTO memberships (room_nid, user_nid, membership, is_local, event_nid, "
             "                         sender_nid, position) "
             "SELECT room_nid, user_nid, membership, true, 1, 1, 1 "
             "  FROM (VALUES (1, '@a:one', 2), (1, '@b:one', 2), (1, '@c:one', 3)) "
             "    AS m (room_nid, user_id, membership) JOIN users USING (user_id)");
    int64_t since =
        set(fixture, (struct presence_row){.user_nid = a, .state = PRESENCE_ONLINE, .node = 1});
    assert_int_equal(count_changed(fixture, a, 0), 0); /* one's own is not told */
    assert_int_equal(count_changed(fixture, b, 0), 1);
    assert_int_equal(count_changed(fixture, c, 0), 0);
    assert_int_equal(count_changed(fixture, b, since), 0);
    set(fixture, (struct presence_row){.user_nid = a, .state = PRESENCE_OFFLINE, .node = 1});
    assert_int_equal(count_changed(fixture, b, since), 1);
    assert_int_equal(count_changed(fixture, b, 0), 0);
}

static void only_the_process_that_looks_after_a_user_times_them_out(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t a = user(fixture, "@a:one");
    struct presence_row row = {
        .user_nid = a, .state = PRESENCE_ONLINE, .status_msg = "here", .node = 2};

    set(fixture, row);
    row.state = PRESENCE_OFFLINE;
    row.node = 1;
    struct journal_entry *entry = journal_entry_create();
    presence_time_out_in(entry, &row);
    journal_commit(fixture, entry);
    assert_int_equal(presence_load(fixture->db, fixture->arena, a, &row), OK);
    assert_int_equal(row.state, PRESENCE_ONLINE);

    row.state = PRESENCE_OFFLINE;
    entry = journal_entry_create();
    presence_time_out_in(entry, &row);
    journal_commit(fixture, entry);
    assert_int_equal(presence_load(fixture->db, fixture->arena, a, &row), OK);
    assert_int_equal(row.state, PRESENCE_OFFLINE);
    assert_string_equal(row.status_msg, "here");
}

static void users_of_dead_processes_are_found(void **state)
{
    struct journal_fixture *fixture = *state;
    struct presence_row *rows;
    size_t count;

    set(fixture, (struct presence_row){
                     .user_nid = user(fixture, "@a:one"), .state = PRESENCE_ONLINE, .node = 1});
    set(fixture, (struct presence_row){
                     .user_nid = user(fixture, "@b:one"), .state = PRESENCE_ONLINE, .node = 2});
    set(fixture, (struct presence_row){
                     .user_nid = user(fixture, "@c:two"), .state = PRESENCE_ONLINE, .node = 0});
    set(fixture, (struct presence_row){
                     .user_nid = user(fixture, "@d:one"), .state = PRESENCE_OFFLINE, .node = 3});
    assert_int_equal(presence_node_seen(fixture->db, 1, 1000, 0), OK);
    assert_int_equal(presence_node_seen(fixture->db, 2, 2000, 1500), OK);
    assert_int_equal(presence_orphans(fixture->db, fixture->arena, &rows, &count), OK);
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].user_id, "@a:one");
}

static void presence_of_local_users_is_federated(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t a = user(fixture, "@a:one");
    struct presence_row *rows;
    size_t count;

    test_sql(fixture->db, "UPDATE users SET is_local = true");
    set(fixture, (struct presence_row){.user_nid = a, .state = PRESENCE_ONLINE, .node = 1});
    set(fixture,
        (struct presence_row){.user_nid = user(fixture, "@b:two"), .state = PRESENCE_ONLINE});
    assert_int_equal(presence_to_federate(fixture->db, fixture->arena, since_until_now(fixture, 0),
                                          &rows, &count),
                     OK);
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].user_nid, a);
}

static void states_have_names(void **state)
{
    enum presence_state parsed;

    (void)state;
    assert_true(presence_state_parse("unavailable", &parsed));
    assert_int_equal(parsed, PRESENCE_UNAVAILABLE);
    assert_string_equal(presence_state_text(PRESENCE_OFFLINE), "offline");
    assert_false(presence_state_parse("busy", &parsed));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, journal_setup, journal_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(presence_is_loaded_as_it_was_set),
        TEST(the_state_alone_leaves_the_message),
        TEST(presence_is_seen_by_those_who_share_a_room),
        TEST(only_the_process_that_looks_after_a_user_times_them_out),
        TEST(users_of_dead_processes_are_found),
        TEST(presence_of_local_users_is_federated),
        cmocka_unit_test(states_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
