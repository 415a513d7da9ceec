#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/push_rules.h"
#include "storage/users.h"
#include "tests/support/journal.h"
#include "tests/support/test.h"

static int64_t user(struct journal_fixture *fixture, const char *user_id)
{
    int64_t nid;

    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, user_id, &nid), OK);
    test_sql(fixture->db, "UPDATE users SET is_local = true");
    return nid;
}

static void join(struct journal_fixture *fixture, int64_t user_nid)
{
    test_sql(fixture->db,
             arena_printf(fixture->arena,
                          "INSERT INTO memberships (room_nid, user_nid, membership, is_local, "
                          "                         event_nid, sender_nid, position) "
                          "VALUES (1, %lld, 2, true, 1, 1, 1)",
                          (long long)user_nid));
}

static enum errcode replace(struct journal_fixture *fixture, int64_t user_nid, const char *scope,
                            int64_t read_position)
{
    const struct push_rules_change change = {
        .user_nid = user_nid,
        .rules = "{\"room\":[]}",
        .scopes = &scope,
        .scope_count = 1,
        .read_position = read_position,
    };
    struct journal_entry *entry = journal_entry_create();

    push_rules_replace_in(entry, &change);
    return journal_try(fixture, entry);
}

static void changes_are_built_on_what_was_read(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t a = user(fixture, "@a:one");
    struct push_rules_row row;

    assert_int_equal(push_rules_load(fixture->db, fixture->arena, a, &row), OK);
    assert_null(row.rules);
    assert_int_equal(row.position, 0);
    assert_int_equal(replace(fixture, a, "", 0), OK);
    assert_int_equal(replace(fixture, a, "", 0), E_CONFLICT);
    assert_int_equal(push_rules_load(fixture->db, fixture->arena, a, &row), OK);
    assert_string_equal(row.rules, "{\"room\":[]}");
    assert_int_equal(row.position, journal_position(fixture->journal));
    assert_int_equal(replace(fixture, a, "", row.position), OK);
    assert_int_equal(replace(fixture, a, "", row.position), E_CONFLICT);
}

/* Who listens in the room, separated by spaces, each with the number of their scopes. */
static const char *listeners(struct journal_fixture *fixture)
{
    struct push_listener *found;
    const char *text = "";
    size_t count;

    assert_int_equal(push_listeners(fixture->db, fixture->arena, 1, "!room", &found, &count), OK);
    for (size_t i = 0; i < count; i++)
        text = arena_printf(fixture->arena, "%s%s%s=%zu", text, i > 0 ? " " : "", found[i].user_id,
                            found[i].scope_count);
    return text;
}

static void members_with_rules_about_a_room_listen_in_it(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t any = user(fixture, "@any:one");
    int64_t of_room = user(fixture, "@of_room:one");
    int64_t of_sender = user(fixture, "@of_sender:one");
    int64_t elsewhere = user(fixture, "@elsewhere:one");
    int64_t plain = user(fixture, "@plain:one");

    join(fixture, any);
    join(fixture, of_room);
    join(fixture, of_sender);
    join(fixture, plain);
    assert_int_equal(replace(fixture, any, "", 0), OK);
    assert_int_equal(replace(fixture, of_room, "!room", 0), OK);
    assert_int_equal(replace(fixture, of_sender, "@sender:one", 0), OK);
    assert_int_equal(replace(fixture, elsewhere, "", 0), OK);
    assert_int_equal(replace(fixture, plain, "!other", 0), OK);
    assert_string_equal(listeners(fixture), "@any:one=1 @of_room:one=1 @of_sender:one=1");
}

static void those_who_ignore_somebody_listen_too(void **state)
{
    struct journal_fixture *fixture = *state;
    static const char *const ignored[] = {PUSH_SCOPE_IGNORE "@x:one", PUSH_SCOPE_IGNORE "@y:one"};
    int64_t member = user(fixture, "@member:one");
    struct journal_entry *entry = journal_entry_create();

    join(fixture, member);
    push_ignored_replace_in(entry, member, ignored, 2);
    journal_commit(fixture, entry);
    assert_string_equal(listeners(fixture), "@member:one=2");
    /* Changing rules does not touch the list, nor the other way round. */
    assert_int_equal(replace(fixture, member, "", 0), OK);
    assert_string_equal(listeners(fixture), "@member:one=3");
    entry = journal_entry_create();
    push_ignored_replace_in(entry, member, NULL, 0);
    journal_commit(fixture, entry);
    assert_string_equal(listeners(fixture), "@member:one=1");
}

/* The users' IDs, separated by spaces; those who ignore the sender in brackets. */
static const char *named(struct journal_fixture *fixture, int64_t sender_nid, const char *mentioned,
                         const char *invited)
{
    const struct push_named_query query = {
        .room_nid = 1,
        .sender_nid = sender_nid,
        .ignore_scope = PUSH_SCOPE_IGNORE "@sender:one",
        .mentioned = &mentioned,
        .mentioned_count = mentioned != NULL ? 1 : 0,
        .invited = invited,
    };
    struct push_named *found;
    const char *text = "";
    size_t count;

    assert_int_equal(push_named_users(fixture->db, fixture->arena, &query, &found, &count), OK);
    for (size_t i = 0; i < count; i++)
        text = arena_printf(fixture->arena, found[i].ignores_sender ? "%s%s(%s)" : "%s%s%s", text,
                            i > 0 ? " " : "", found[i].user_id);
    return text;
}

static void members_are_mentioned_and_strangers_invited(void **state)
{
    struct journal_fixture *fixture = *state;
    static const char *const ignored[] = {PUSH_SCOPE_IGNORE "@sender:one"};
    int64_t sender = user(fixture, "@sender:one");
    int64_t member = user(fixture, "@member:one");

    user(fixture, "@stranger:one");
    join(fixture, member);
    join(fixture, sender);
    assert_string_equal(named(fixture, sender, "@member:one", NULL), "@member:one");
    assert_string_equal(named(fixture, sender, "@stranger:one", NULL), "");
    assert_string_equal(named(fixture, sender, "@sender:one", NULL), "");
    assert_string_equal(named(fixture, sender, NULL, "@stranger:one"), "@stranger:one");
    assert_string_equal(named(fixture, sender, NULL, "@unknown:two"), "");
    struct journal_entry *entry = journal_entry_create();
    push_ignored_replace_in(entry, member, ignored, 1);
    journal_commit(fixture, entry);
    assert_string_equal(named(fixture, sender, "@member:one", NULL), "(@member:one)");
}

static void rules_about_a_room_are_found_by_it(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t a = user(fixture, "@a:one");
    struct nid_list users;

    assert_int_equal(replace(fixture, a, "!room", 0), OK);
    assert_int_equal(push_rules_users_of_room(fixture->db, fixture->arena, "!room", &users), OK);
    assert_int_equal(users.count, 1);
    assert_int_equal(users.items[0], a);
    assert_int_equal(push_rules_users_of_room(fixture->db, fixture->arena, "!x", &users), OK);
    assert_int_equal(users.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, journal_setup, journal_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(changes_are_built_on_what_was_read),
        TEST(members_with_rules_about_a_room_listen_in_it),
        TEST(those_who_ignore_somebody_listen_too),
        TEST(members_are_mentioned_and_strangers_invited),
        TEST(rules_about_a_room_are_found_by_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
