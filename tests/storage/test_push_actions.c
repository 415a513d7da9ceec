#include "homeserver/base/arena.h"
#include "storage/events.h"
#include "storage/journal.h"
#include "storage/push_actions.h"
#include "storage/receipts.h"
#include "storage/users.h"
#include "tests/support/journal.h"
#include "tests/support/test.h"

enum { ROOM = 1, NOTIFIES = 1, HIGHLIGHTS = 2 };

struct people {
    int64_t me;
    int64_t you;
};

static void run(struct journal_fixture *fixture, const char *format, ...) PRINTF_LIKE(2, 3);

static void run(struct journal_fixture *fixture, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    test_sql(fixture->db, arena_vprintf(fixture->arena, format, args));
    va_end(args);
}

/* Both are in the room since position 10. */
static struct people furnish(struct journal_fixture *fixture)
{
    struct people people;

    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, "@me:one", &people.me), OK);
    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, "@you:one", &people.you), OK);
    run(fixture,
        "INSERT INTO memberships (room_nid, user_nid, membership, is_local, event_nid, "
        "                         sender_nid, position) "
        "SELECT %d, user_nid, 2, true, 1, 1, 10 FROM users",
        ROOM);
    return people;
}

static void event(struct journal_fixture *fixture, int position, int64_t sender_nid, unsigned flags)
{
    run(fixture,
        "INSERT INTO events (event_nid, room_nid, position, depth, origin_server_ts, sender_nid, "
        "                    flags, event_id) "
        "VALUES (%d, %d, %d, 1, 1, %lld, %u, '$%d')",
        position, ROOM, position, (long long)sender_nid, flags, position);
}

static void in_thread(struct journal_fixture *fixture, int position, int root)
{
    run(fixture,
        "INSERT INTO thread_events (event_nid, room_nid, root_event_id) "
        "VALUES (%d, %d, '$%d')",
        position, ROOM, root);
    run(fixture, "UPDATE events SET flags = flags | 32 WHERE event_nid = %d", position);
}

static void receipt(struct journal_fixture *fixture, int64_t user_nid, const char *thread,
                    int position)
{
    const struct receipt receipt = {
        .room_nid = ROOM,
        .user_nid = user_nid,
        .type = RECEIPT_READ,
        .thread = thread,
        .event_id = arena_printf(fixture->arena, "$%d", position),
        .event_position = position,
    };
    struct journal_entry *entry = journal_entry_create();

    receipt_set_in(entry, &receipt);
    journal_commit(fixture, entry);
}

static void personal(struct journal_fixture *fixture, int64_t user_nid, int position,
                     unsigned flags)
{
    run(fixture,
        "INSERT INTO push_actions (user_nid, room_nid, position, flags) VALUES (%lld, %d, %d, %u)",
        (long long)user_nid, ROOM, position, flags);
}

/* "thread:notifications/highlights" of each thread with any. */
static const char *counts(struct journal_fixture *fixture, int64_t user_nid)
{
    static const int64_t rooms[] = {ROOM, 2};
    struct unread_count *rows;
    const char *text = "";
    size_t count;

    const struct unread_query query = {user_nid, {rooms, COUNT_OF(rooms)}, INT64_MAX};

    assert_int_equal(unread_counts(fixture->db, fixture->arena, &query, &rows, &count), OK);
    for (size_t i = 0; i < count; i++)
        text =
            arena_printf(fixture->arena, "%s%s%s:%lld/%lld", text, i > 0 ? " " : "", rows[i].thread,
                         (long long)rows[i].notifications, (long long)rows[i].highlights);
    return text;
}

static void what_others_send_counts_until_it_is_read(void **state)
{
    struct journal_fixture *fixture = *state;
    struct people people = furnish(fixture);

    assert_string_equal(counts(fixture, people.me), "");
    event(fixture, 5, people.you, EVENT_NOTIFIES); /* before we joined */
    event(fixture, 11, people.you, EVENT_NOTIFIES);
    event(fixture, 12, people.you, EVENT_NOTIFIES | EVENT_HIGHLIGHTS);
    event(fixture, 13, people.you, 0);
    event(fixture, 14, people.you, EVENT_NOTIFIES | EVENT_SOFT_FAILED);
    assert_string_equal(counts(fixture, people.me), "main:2/1");
    assert_string_equal(counts(fixture, people.you), "");
    receipt(fixture, people.me, RECEIPT_UNTHREADED, 11);
    assert_string_equal(counts(fixture, people.me), "main:1/1");
    receipt(fixture, people.me, RECEIPT_UNTHREADED, 12);
    assert_string_equal(counts(fixture, people.me), "");
}

static void an_own_event_reads_its_thread(void **state)
{
    struct journal_fixture *fixture = *state;
    struct people people = furnish(fixture);

    event(fixture, 11, people.you, EVENT_NOTIFIES);
    event(fixture, 12, people.you, EVENT_NOTIFIES);
    in_thread(fixture, 12, 11);
    event(fixture, 13, people.me, EVENT_NOTIFIES);
    event(fixture, 14, people.you, EVENT_NOTIFIES);
    assert_string_equal(counts(fixture, people.me), "$11:1/0 main:1/0");
    event(fixture, 15, people.me, EVENT_NOTIFIES);
    in_thread(fixture, 15, 11);
    assert_string_equal(counts(fixture, people.me), "main:1/0");
}

static void personal_actions_replace_the_shared_ones(void **state)
{
    struct journal_fixture *fixture = *state;
    struct people people = furnish(fixture);

    event(fixture, 11, people.you, EVENT_NOTIFIES);
    event(fixture, 12, people.you, EVENT_NOTIFIES);
    event(fixture, 13, people.you, 0);
    personal(fixture, people.me, 11, 0);
    personal(fixture, people.me, 12, NOTIFIES | HIGHLIGHTS);
    personal(fixture, people.me, 13, NOTIFIES);
    personal(fixture, people.you, 11, NOTIFIES | HIGHLIGHTS);
    assert_string_equal(counts(fixture, people.me), "main:2/1");
}

static void threads_are_read_one_by_one(void **state)
{
    struct journal_fixture *fixture = *state;
    struct people people = furnish(fixture);

    event(fixture, 11, people.you, EVENT_NOTIFIES);
    for (int position = 12; position < 16; position++) {
        event(fixture, position, people.you, EVENT_NOTIFIES);
        if (position % 2 == 0)
            in_thread(fixture, position, 11);
    }
    assert_string_equal(counts(fixture, people.me), "$11:2/0 main:3/0");
    receipt(fixture, people.me, "$11", 12);
    assert_string_equal(counts(fixture, people.me), "$11:1/0 main:3/0");
    receipt(fixture, people.me, RECEIPT_MAIN, 13);
    assert_string_equal(counts(fixture, people.me), "$11:1/0 main:1/0");
    receipt(fixture, people.me, RECEIPT_UNTHREADED, 14);
    assert_string_equal(counts(fixture, people.me), "main:1/0");
}

static void receipts_for_unknown_events_read_nothing(void **state)
{
    struct journal_fixture *fixture = *state;
    struct people people = furnish(fixture);

    event(fixture, 11, people.you, EVENT_NOTIFIES);
    receipt(fixture, people.me, RECEIPT_UNTHREADED, 0);
    assert_string_equal(counts(fixture, people.me), "main:1/0");
}

static void counting_stops_somewhere(void **state)
{
    struct journal_fixture *fixture = *state;
    struct people people = furnish(fixture);

    run(fixture,
        "INSERT INTO events (event_nid, room_nid, position, depth, origin_server_ts, sender_nid, "
        "                    flags, event_id) "
        "SELECT n, %d, n, 1, 1, %lld, 8, '$' || n FROM generate_series(11, 12000) n",
        ROOM, (long long)people.you);
    assert_string_equal(counts(fixture, people.me), "main:9999/0");
}

static void only_members_count(void **state)
{
    struct journal_fixture *fixture = *state;
    struct people people = furnish(fixture);

    event(fixture, 11, people.you, EVENT_NOTIFIES);
    run(fixture, "UPDATE memberships SET membership = 3 WHERE user_nid = %lld",
        (long long)people.me);
    assert_string_equal(counts(fixture, people.me), "");
}

static int64_t badge(struct journal_fixture *fixture, int64_t user_nid)
{
    int64_t rooms;

    assert_int_equal(unread_rooms(fixture->db, fixture->arena, user_nid, &rooms), OK);
    return rooms;
}

static void badges_count_rooms(void **state)
{
    struct journal_fixture *fixture = *state;
    struct people people = furnish(fixture);

    assert_int_equal(badge(fixture, people.me), 0);
    event(fixture, 11, people.you, EVENT_NOTIFIES);
    event(fixture, 12, people.you, EVENT_NOTIFIES);
    assert_int_equal(badge(fixture, people.me), 1);
    assert_int_equal(badge(fixture, people.you), 0);
    receipt(fixture, people.me, RECEIPT_UNTHREADED, 12);
    assert_int_equal(badge(fixture, people.me), 0);
}

static void notifications_are_listed_newest_first(void **state)
{
    struct journal_fixture *fixture = *state;
    struct people people = furnish(fixture);
    struct notification_query query = {.user_nid = people.me, .before = INT64_MAX, .limit = 2};
    struct notification *list;
    size_t count;

    event(fixture, 11, people.you, EVENT_NOTIFIES);
    event(fixture, 12, people.you, 0);
    event(fixture, 13, people.you, EVENT_NOTIFIES);
    event(fixture, 14, people.you, EVENT_NOTIFIES);
    event(fixture, 15, people.me, EVENT_NOTIFIES);
    personal(fixture, people.me, 13, 0);
    personal(fixture, people.me, 12, NOTIFIES | HIGHLIGHTS);
    receipt(fixture, people.me, RECEIPT_UNTHREADED, 12);
    assert_int_equal(notifications_list(fixture->db, fixture->arena, &query, &list, &count), OK);
    assert_int_equal(count, 2);
    assert_int_equal(list[0].position, 14);
    assert_false(list[0].is_read);
    assert_false(list[0].has_own);
    assert_int_equal(list[1].position, 12);
    assert_true(list[1].is_read);
    assert_int_equal(list[1].own_flags, NOTIFIES | HIGHLIGHTS);

    query.before = 12;
    assert_int_equal(notifications_list(fixture->db, fixture->arena, &query, &list, &count), OK);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].position, 11);
    query.before = INT64_MAX;
    query.only_highlights = true;
    assert_int_equal(notifications_list(fixture->db, fixture->arena, &query, &list, &count), OK);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].position, 12);
}

static void actions_and_threads_come_with_their_event(void **state)
{
    struct journal_fixture *fixture = *state;
    struct people people = furnish(fixture);
    const struct push_action action = {
        .user_nid = people.me, .room_nid = ROOM, .flags = NOTIFIES, .actions = "[\"notify\"]"};
    struct journal_entry *entry = journal_entry_create();

    push_action_add_in(entry, &action);
    thread_event_add_in(entry, 7, ROOM, "$root");
    int64_t position = journal_commit(fixture, entry);
    assert_int_equal(test_sql_int(fixture->db, "SELECT position FROM push_actions"), position);
    assert_int_equal(test_sql_int(fixture->db, "SELECT event_nid FROM thread_events"), 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, journal_setup, journal_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_others_send_counts_until_it_is_read),
        TEST(an_own_event_reads_its_thread),
        TEST(personal_actions_replace_the_shared_ones),
        TEST(threads_are_read_one_by_one),
        TEST(receipts_for_unknown_events_read_nothing),
        TEST(counting_stops_somewhere),
        TEST(only_members_count),
        TEST(badges_count_rooms),
        TEST(notifications_are_listed_newest_first),
        TEST(actions_and_threads_come_with_their_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
