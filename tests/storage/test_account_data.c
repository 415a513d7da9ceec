#include "homeserver/base/arena.h"
#include "storage/account_data.h"
#include "storage/journal.h"
#include "storage/users.h"
#include "tests/support/journal.h"
#include "tests/support/test.h"

static struct account_data_key key_of(struct journal_fixture *fixture, int64_t room_nid,
                                      const char *type)
{
    struct account_data_key key = {.room_nid = room_nid, .type = type};

    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, "@a:one", &key.user_nid), OK);
    return key;
}

static int64_t set(struct journal_fixture *fixture, const struct account_data_key *key,
                   const char *content)
{
    struct journal_entry *entry = journal_entry_create();

    account_data_set_in(entry, key, content);
    return journal_commit(fixture, entry);
}

static void what_was_set_is_loaded(void **state)
{
    struct journal_fixture *fixture = *state;
    struct account_data_key global = key_of(fixture, ACCOUNT_DATA_GLOBAL, "org.example");
    struct account_data_key of_room = key_of(fixture, 7, "org.example");
    struct account_data_row row;

    assert_int_equal(account_data_load(fixture->db, fixture->arena, &global, &row), M_NOT_FOUND);
    set(fixture, &global, "{\"a\":1}");
    set(fixture, &of_room, "{\"b\":\"\\u0000\"}");
    set(fixture, &global, "{\"a\":2}");
    assert_int_equal(account_data_load(fixture->db, fixture->arena, &global, &row), OK);
    assert_string_equal(row.content, "{\"a\":2}");
    assert_int_equal(account_data_load(fixture->db, fixture->arena, &of_room, &row), OK);
    assert_string_equal(row.content, "{\"b\":\"\\u0000\"}");
    assert_int_equal(row.room_nid, 7);
}

static void readers_see_changes_in_order(void **state)
{
    struct journal_fixture *fixture = *state;
    struct account_data_key first = key_of(fixture, 0, "first");
    struct account_data_key second = key_of(fixture, 3, "second");
    struct account_data_row *rows;
    size_t count;

    int64_t start = set(fixture, &first, "{\"v\":1}");
    int64_t middle = set(fixture, &second, "{}");
    int64_t end = set(fixture, &first, "{\"v\":2}");
    assert_int_equal(account_data_changed(fixture->db, fixture->arena, first.user_nid,
                                          (struct position_range){.since = start, .until = end},
                                          &rows, &count),
                     OK);
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].type, "second");
    assert_int_equal(rows[0].position, middle);
    assert_string_equal(rows[1].content, "{\"v\":2}");
    assert_int_equal(account_data_changed(fixture->db, fixture->arena, first.user_nid,
                                          (struct position_range){.since = start, .until = middle},
                                          &rows, &count),
                     OK);
    assert_int_equal(count, 1);
    assert_int_equal(account_data_changed(fixture->db, fixture->arena, first.user_nid + 1,
                                          (struct position_range){.since = 0, .until = end}, &rows,
                                          &count),
                     OK);
    assert_int_equal(count, 0);
}

static void deleting_is_told_to_readers_but_not_to_new_ones(void **state)
{
    struct journal_fixture *fixture = *state;
    struct account_data_key key = key_of(fixture, 0, "gone");
    struct account_data_row *rows;
    struct account_data_row row;
    int64_t entries;
    size_t count;

    int64_t before = set(fixture, &key, "{\"v\":1}");
    struct journal_entry *entry = journal_entry_create();
    account_data_delete_in(entry, &key);
    int64_t after = journal_commit(fixture, entry);

    assert_int_equal(account_data_load(fixture->db, fixture->arena, &key, &row), M_NOT_FOUND);
    assert_int_equal(account_data_changed(fixture->db, fixture->arena, key.user_nid,
                                          (struct position_range){.since = before, .until = after},
                                          &rows, &count),
                     OK);
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].content, "{}");
    assert_true(rows[0].is_deleted);
    assert_int_equal(account_data_changed(fixture->db, fixture->arena, key.user_nid,
                                          (struct position_range){.since = 0, .until = after},
                                          &rows, &count),
                     OK);
    assert_int_equal(count, 0);
    assert_int_equal(account_data_count(fixture->db, fixture->arena, key.user_nid, &entries), OK);
    assert_int_equal(entries, 0);
    set(fixture, &key, "{\"v\":3}");
    assert_int_equal(account_data_load(fixture->db, fixture->arena, &key, &row), OK);
}

static enum errcode replace(struct journal_fixture *fixture, const struct account_data_key *key,
                            const char *content, int64_t read_position)
{
    struct journal_entry *entry = journal_entry_create();

    account_data_replace_in(entry, key, content, read_position);
    return journal_try(fixture, entry);
}

static void a_change_of_something_else_than_was_read_is_refused(void **state)
{
    struct journal_fixture *fixture = *state;
    struct account_data_key key = key_of(fixture, 5, "m.tag");
    struct account_data_row row;

    assert_int_equal(replace(fixture, &key, "{\"v\":1}", 0), OK);
    assert_int_equal(replace(fixture, &key, "{\"v\":2}", 0), E_CONFLICT);
    assert_int_equal(account_data_load(fixture->db, fixture->arena, &key, &row), OK);
    assert_string_equal(row.content, "{\"v\":1}");
    assert_int_equal(replace(fixture, &key, "{\"v\":3}", row.position), OK);
    assert_int_equal(replace(fixture, &key, "{\"v\":4}", row.position), E_CONFLICT);
}

static void what_was_deleted_can_be_made_again(void **state)
{
    struct journal_fixture *fixture = *state;
    struct account_data_key key = key_of(fixture, 5, "m.tag");
    struct account_data_row row;
    struct journal_entry *entry = journal_entry_create();

    set(fixture, &key, "{\"v\":1}");
    account_data_delete_in(entry, &key);
    journal_commit(fixture, entry);
    assert_int_equal(replace(fixture, &key, "{\"v\":2}", 0), OK);
    assert_int_equal(account_data_load(fixture->db, fixture->arena, &key, &row), OK);
    assert_string_equal(row.content, "{\"v\":2}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, journal_setup, journal_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_set_is_loaded),
        TEST(readers_see_changes_in_order),
        TEST(deleting_is_told_to_readers_but_not_to_new_ones),
        TEST(a_change_of_something_else_than_was_read_is_refused),
        TEST(what_was_deleted_can_be_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
