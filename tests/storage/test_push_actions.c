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

/* Rooms at random, counted event by event. */
enum { RANDOM_ROOMS = 40, RANDOM_EVENTS = 40, RANDOM_THREADS = 3, RECEIPTS = 5, THREAD_MAIN = 0 };

struct random_event {
    bool is_mine;
    unsigned flags;
    unsigned thread; /* THREAD_MAIN, or $<number> */
    int personal;    /* -1: none */
};
struct random_room {
    int first; /* position of events[0] */
    struct random_event events[RANDOM_EVENTS];
    int read[RANDOM_THREADS + 1]; /* receipts; positions */
    int read_all;
};

static unsigned random_below(unsigned limit)
{
    static unsigned seed = 5;

    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % limit;
}

static const char *thread_name(struct arena *arena, unsigned thread)
{
    return thread == THREAD_MAIN ? RECEIPT_MAIN : arena_printf(arena, "$%u", thread);
}

static struct random_event random_event(void)
{
    static const unsigned shared[] = {0, EVENT_NOTIFIES, EVENT_NOTIFIES | EVENT_HIGHLIGHTS};
    static const unsigned other[] = {EVENT_SOFT_FAILED, EVENT_REDACTED, EVENT_BUMPS};

    return (struct random_event){
        .is_mine = random_below(20) == 0,
        .flags = shared[random_below(3)] | (random_below(4) == 0 ? other[random_below(3)] : 0),
        .thread = random_below(2) == 0 ? random_below(RANDOM_THREADS + 1) : THREAD_MAIN,
        .personal = random_below(4) == 0 ? (int)random_below(4) : -1,
    };
}

static void store_random_event(struct journal_fixture *fixture, const struct people *people,
                               int room, int position, const struct random_event *event)
{
    unsigned in_thread = event->thread != THREAD_MAIN ? EVENT_IN_THREAD : 0;

    run(fixture,
        "WITH e AS ( "
        "  INSERT INTO events (event_nid, room_nid, position, depth, origin_server_ts, "
        "                      sender_nid, flags, event_id) "
        "  VALUES (%d, %d, %d, 1, 1, %lld, %u, '$e%d') RETURNING *), "
        "t AS ( "
        "  INSERT INTO thread_events (event_nid, room_nid, root_event_id) "
        "  SELECT event_nid, room_nid, '$%u' FROM e WHERE flags & 32 <> 0) "
        "INSERT INTO push_actions (user_nid, room_nid, position, flags) "
        "SELECT %lld, room_nid, position, %d FROM e WHERE %d >= 0",
        position, room, position, (long long)(event->is_mine ? people->me : people->you),
        event->flags | in_thread, position, event->thread, (long long)people->me, event->personal,
        event->personal);
}

static void random_receipt(struct journal_fixture *fixture, const struct people *people,
                           int room_nid, struct random_room *room)
{
    unsigned thread = random_below(RANDOM_THREADS + 2);
    int position = room->first + (int)random_below(RANDOM_EVENTS);
    bool is_for_all = thread > RANDOM_THREADS;
    int *read = is_for_all ? &room->read_all : &room->read[thread];

    *read = position > *read ? position : *read;
    run(fixture,
        "INSERT INTO receipts (room_nid, user_nid, type, thread, event_id, event_position, ts, "
        "                      position) "
        "VALUES (%d, %lld, %u, '%s', '$', %d, 1, 1) "
        "    ON CONFLICT (room_nid, user_nid, type, thread) DO UPDATE "
        "   SET event_position = greatest(receipts.event_position, excluded.event_position)",
        room_nid, (long long)people->me, 1 + random_below(2),
        is_for_all ? "" : thread_name(fixture->arena, thread), position);
}

/* As the specification tells it: what came after the receipts and what the user wrote. */
static struct unread_count count_one_by_one(const struct random_room *room, unsigned thread)
{
    struct unread_count count = {0};

    for (int i = 0; i < RANDOM_EVENTS; i++) {
        const struct random_event *event = &room->events[i];
        bool is_shown = (event->flags & EVENT_SOFT_FAILED) == 0;
        if (event->thread != thread || !is_shown || room->first + i <= room->read_all)
            continue;
        if (event->is_mine)
            count.notifications = count.highlights = 0;
        if (event->is_mine || (event->flags & EVENT_REDACTED) != 0 ||
            room->first + i <= room->read[thread])
            continue;
        count.notifications += event->personal >= 0 ? (event->personal & NOTIFIES) != 0
                                                    : (event->flags & EVENT_NOTIFIES) != 0;
        count.highlights += event->personal >= 0 ? (event->personal & HIGHLIGHTS) != 0
                                                 : (event->flags & EVENT_HIGHLIGHTS) != 0;
    }
    return count;
}

static void check_random_room(struct journal_fixture *fixture, const struct people *people,
                              int64_t room_nid, const struct random_room *room)
{
    const struct unread_query query = {people->me, {&room_nid, 1}, INT64_MAX};
    struct unread_count *rows;
    size_t count, next = 0;

    assert_int_equal(unread_counts(fixture->db, fixture->arena, &query, &rows, &count), OK);
    /* "$…" sorts before "main". */
    for (unsigned i = 1; i <= RANDOM_THREADS + 1; i++) {
        unsigned thread = i % (RANDOM_THREADS + 1);
        struct unread_count wanted = count_one_by_one(room, thread);
        if (wanted.notifications == 0 && wanted.highlights == 0)
            continue;
        assert_true(next < count);
        assert_string_equal(rows[next].thread, thread_name(fixture->arena, thread));
        assert_int_equal(rows[next].notifications, wanted.notifications);
        assert_int_equal(rows[next].highlights, wanted.highlights);
        next++;
    }
    assert_int_equal(next, count);
}

static void counts_are_those_of_the_single_events(void **state)
{
    struct journal_fixture *fixture = *state;
    struct people people = furnish(fixture);

    run(fixture,
        "INSERT INTO memberships (room_nid, user_nid, membership, is_local, event_nid, "
        "                         sender_nid, position) "
        "SELECT r, %lld, 2, true, 1, 1, 10 FROM generate_series(100, 100 + %d) r",
        (long long)people.me, RANDOM_ROOMS);
    for (int i = 0; i < RANDOM_ROOMS; i++) {
        struct random_room room = {.first = 1000 * (i + 1)};
        for (int j = 0; j < RANDOM_EVENTS; j++) {
            room.events[j] = random_event();
            store_random_event(fixture, &people, 100 + i, room.first + j, &room.events[j]);
        }
        for (int j = 0; j <= RECEIPTS; j++) {
            check_random_room(fixture, &people, 100 + i, &room);
            random_receipt(fixture, &people, 100 + i, &room);
        }
    }
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
        TEST(counts_are_those_of_the_single_events),
        TEST(badges_count_rooms),
        TEST(notifications_are_listed_newest_first),
        TEST(actions_and_threads_come_with_their_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
