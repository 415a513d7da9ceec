#include <pthread.h>

#include "homeserver/base/arena.h"
#include "storage/events.h"
#include "storage/journal.h"
#include "storage/rooms.h"
#include "tests/support/journal.h"
#include "tests/support/test.h"

enum { ROOM = 7 };

static const struct db_statement note_insert = {
    "test_note_insert", "INSERT INTO test_notes (position, writer) VALUES ($1, $2)"};
static const struct db_statement broken = {"test_broken", "INSERT INTO test_nowhere VALUES ($1)"};
static const struct db_statement touch_nothing = {
    "test_touch_nothing", "UPDATE test_notes SET writer = 'x' WHERE position = -$1"};

static const struct db_statement notes_insert = {
    "test_notes_insert",
    "INSERT INTO test_notes (position, writer) "
    "SELECT n.position, n.writer FROM unnest($1::bigint[], $2::text[]) AS n (position, writer)"};

static int notes_setup(void **state)
{
    int result = journal_setup(state);
    struct journal_fixture *fixture = *state;

    test_sql(fixture->db, "CREATE TABLE test_notes (position bigint, writer text)");
    return result;
}

static struct journal_entry *note(const char *writer)
{
    struct journal_entry *entry = journal_entry_create();

    journal_entry_add(entry, &note_insert, PARAMS(POSITION, TEXT(writer)));
    return entry;
}

static struct journal_entry *new_room(void)
{
    struct journal_entry *entry = journal_entry_create();

    room_create_in(entry, ROOM, "!room:test.example", "12", 1);
    return entry;
}

/* A message that moves the head of the room from one version to the next. */
static struct journal_entry *event_entry(int64_t nid, int64_t expected_version)
{
    struct journal_entry *entry = journal_entry_create();
    char event_id[32], json[64];

    snprintf(event_id, sizeof(event_id), "$event%d", (int)nid);
    snprintf(json, sizeof(json), "{\"number\":%d}", (int)nid);
    const struct new_event event = {
        .event = {.event_nid = nid,
                  .room_nid = ROOM,
                  .position = JOURNAL_POSITION_MARK,
                  .depth = nid,
                  .sender_nid = 1,
                  .event_id = event_id,
                  .json = json,
                  .json_size = strlen(json)},
        .expected_head_version = expected_version,
        .head = {.version = expected_version + 1, .depth = nid, .extremities = event_id},
    };
    journal_entry_set_event(entry, &event);
    return entry;
}

static void positions_are_consecutive_and_are_written_where_the_mark_stood(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t first = journal_commit(fixture, note("a"));

    assert_int_equal(journal_commit(fixture, note("b")), first + 1);
    assert_int_equal(journal_position(fixture->journal), first + 1);
    assert_int_equal(test_sql_int(fixture->db, "SELECT max(position) FROM test_notes"), first + 1);
}

/* All rows of a batch are one statement, and each has the position of its entry. */
static void rows_of_many_entries_are_written_at_once(void **state)
{
    struct journal_fixture *fixture = *state;
    struct commit_group *group = commit_group_create();
    int64_t first = journal_commit(fixture, note("first"));
    struct journal_entry *entry = journal_entry_create();

    for (int i = 0; i < 3; i++)
        journal_entry_add_row(entry, &notes_insert, PARAMS(POSITION, TEXT(i > 0 ? "row" : NULL)));
    int64_t before = journal_statements_run(fixture->journal);
    int64_t position = journal_commit(fixture, entry);
    int64_t statements = journal_statements_run(fixture->journal) - before;
    assert_int_equal(position, first + 1);
    assert_int_equal(test_sql_int(fixture->db, "SELECT count(*) FROM test_notes WHERE position = "
                                               "(SELECT max(position) FROM test_notes)"),
                     3);
    assert_int_equal(
        test_sql_int(fixture->db, "SELECT count(*) FROM test_notes WHERE writer IS NULL"), 1);

    entry = journal_entry_create();
    journal_entry_add_row(entry, &notes_insert, PARAMS(POSITION, TEXT("row")));
    before = journal_statements_run(fixture->journal);
    journal_commit(fixture, entry);
    assert_int_equal(journal_statements_run(fixture->journal) - before, statements);

    for (int i = 0; i < 300; i++) {
        entry = journal_entry_create();
        journal_entry_add_row(entry, &notes_insert, PARAMS(POSITION, TEXT("many")));
        journal_submit(fixture->journal, entry, group);
    }
    assert_int_equal(commit_group_wait(group), OK);
    assert_int_equal(test_sql_int(fixture->db, "SELECT count(DISTINCT position) FROM test_notes "
                                               " WHERE writer = 'many'"),
                     300);
    commit_group_release(group);
}

/* I4: who waits for a group sees the rows from another connection when the wait is over. */
static void invariant_4_a_group_is_done_only_after_commit(void **state)
{
    struct journal_fixture *fixture = *state;
    struct commit_group *group = commit_group_create();

    for (int i = 0; i < 500; i++)
        journal_submit(fixture->journal, note("many"), group);
    assert_int_equal(commit_group_wait(group), OK);
    assert_int_equal(test_sql_int(fixture->db, "SELECT count(*) FROM test_notes"), 500);
    commit_group_release(group);
}

struct writer {
    const char *conninfo;
    pthread_t thread;
};

static void *write_notes(void *context)
{
    struct writer *writer = context;
    struct journal *journal = journal_create(writer->conninfo);
    struct commit_group *group = commit_group_create();

    assert_int_equal(journal_start(journal), OK);
    for (int i = 0; i < 300; i++)
        journal_submit(journal, note("node"), group);
    assert_int_equal(commit_group_wait(group), OK);
    commit_group_release(group);
    journal_destroy(journal);
    return NULL;
}

/* I5: with several nodes writing, a reader that has seen position n has seen all before it. */
static void invariant_5_positions_become_visible_in_order(void **state)
{
    struct journal_fixture *fixture = *state;
    struct writer writers[3];
    int64_t count = 0, before = test_sql_int(fixture->db, "SELECT position FROM journal_head");

    for (size_t i = 0; i < COUNT_OF(writers); i++) {
        writers[i].conninfo = test_database_conninfo(fixture->storage->database);
        pthread_create(&writers[i].thread, NULL, write_notes, &writers[i]);
    }
    while (count < 900) {
        /* One snapshot: as many notes as positions since the beginning means no gap. */
        int64_t gap = test_sql_int(fixture->db, "SELECT coalesce(max(position) - min(position) + 1 "
                                                "       - count(*), 0) FROM test_notes");
        count = test_sql_int(fixture->db, "SELECT count(*) FROM test_notes");
        assert_int_equal(gap, 0);
    }
    for (size_t i = 0; i < COUNT_OF(writers); i++)
        pthread_join(writers[i].thread, NULL);
    assert_int_equal(test_sql_int(fixture->db, "SELECT position FROM journal_head"), before + 900);
}

/* I6: a bad entry fails alone; its neighbours of the same batch are written. */
static void invariant_6_only_the_bad_entry_of_a_batch_fails(void **state)
{
    struct journal_fixture *fixture = *state;
    struct commit_group *good = commit_group_create(), *bad = commit_group_create();
    struct journal_entry *entry = journal_entry_create();

    journal_entry_add(entry, &broken, PARAMS(POSITION));
    for (int i = 0; i < 50; i++)
        journal_submit(fixture->journal, note("good"), good);
    journal_submit(fixture->journal, entry, bad);
    for (int i = 0; i < 50; i++)
        journal_submit(fixture->journal, note("good"), good);
    assert_int_equal(commit_group_wait(bad), E_DATABASE);
    assert_int_equal(commit_group_wait(good), OK);
    assert_int_equal(test_sql_int(fixture->db, "SELECT count(*) FROM test_notes"), 100);
    commit_group_release(good);
    commit_group_release(bad);
}

static void an_entry_that_touches_too_few_rows_is_a_conflict_and_leaves_no_trace(void **state)
{
    struct journal_fixture *fixture = *state;
    struct journal_entry *entry = note("gone");

    journal_entry_add_expecting(entry, &touch_nothing, PARAMS(POSITION), 1);
    assert_int_equal(journal_try(fixture, entry), E_CONFLICT);
    assert_int_equal(test_sql_int(fixture->db, "SELECT count(*) FROM test_notes"), 0);
}

/* I7: an event built on a head that another node moved is refused, and can be built again. */
static void invariant_7_an_event_on_an_old_head_is_a_conflict(void **state)
{
    struct journal_fixture *fixture = *state;
    struct stored_room room;

    journal_commit(fixture, new_room());
    journal_commit(fixture, event_entry(1, 0));
    test_sql(fixture->db, "UPDATE room_heads SET version = 2, extremities = '$other'");
    assert_int_equal(journal_try(fixture, event_entry(2, 1)), E_CONFLICT);
    journal_commit(fixture, event_entry(3, 2));
    assert_int_equal(room_load(fixture->db, fixture->arena, "!room:test.example", &room), OK);
    assert_int_equal(room.head.version, 3);
    assert_string_equal(room.head.extremities, "$event3");
    assert_int_equal(test_sql_int(fixture->db, "SELECT count(*) FROM events"), 2);
}

static void events_of_one_room_in_one_batch_move_its_head_once(void **state)
{
    struct journal_fixture *fixture = *state;
    struct commit_group *group = commit_group_create();
    struct stored_room room;

    journal_submit(fixture->journal, new_room(), group);
    for (int64_t nid = 1; nid <= 100; nid++)
        journal_submit(fixture->journal, event_entry(nid, nid - 1), group);
    assert_int_equal(commit_group_wait(group), OK);
    assert_int_equal(room_load(fixture->db, fixture->arena, "!room:test.example", &room), OK);
    assert_int_equal(room.head.version, 100);
    assert_int_equal(room.head.last_position,
                     test_sql_int(fixture->db, "SELECT max(position) FROM events"));
    assert_int_equal(test_sql_int(fixture->db, "SELECT count(*) FROM events"), 100);
    commit_group_release(group);
}

/* I2: what is read is what was written, byte for byte. */
static void invariant_2_bytes_come_back_as_they_were(void **state)
{
    struct journal_fixture *fixture = *state;
    static const char json[] = "{\"a\":\"\\u0000\xc3\xa9\xe2\x80\xa8 '\\\\\",\"z\":-0.0e1}";
    struct journal_entry *entry = journal_entry_create();
    struct stored_event read;
    const struct new_event event = {
        .event = {.event_nid = 1,
                  .room_nid = ROOM,
                  .position = JOURNAL_POSITION_MARK,
                  .sender_nid = 1,
                  .event_id = "$exact",
                  .json = json,
                  .json_size = sizeof(json) - 1},
    };

    journal_entry_set_event(entry, &event);
    int64_t position = journal_commit(fixture, entry);
    assert_int_equal(event_load_by_id(fixture->db, fixture->arena, "$exact", &read), OK);
    assert_int_equal(read.json_size, sizeof(json) - 1);
    assert_memory_equal(read.json, json, sizeof(json) - 1);
    assert_int_equal(read.position, position);
}

struct change_log {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t changes;
    int64_t position;
    int64_t room_nid;
    int64_t user_nid;
    bool everything;
};

static void log_change(void *context, const struct journal_change *change)
{
    struct change_log *log = context;

    pthread_mutex_lock(&log->lock);
    log->changes++;
    log->room_nid = change->room_count > 0 ? change->room_nids[0] : 0;
    log->user_nid = change->user_count > 0 ? change->user_nids[0] : 0;
    log->everything = change->everything;
    log->position = change->position;
    pthread_cond_signal(&log->changed);
    pthread_mutex_unlock(&log->lock);
}

static void wait_for_a_change(struct change_log *log)
{
    pthread_mutex_lock(&log->lock);
    while (log->changes == 0)
        pthread_cond_wait(&log->changed, &log->lock);
    pthread_mutex_unlock(&log->lock);
}

static void another_nodes_notification_raises_the_position_and_names_what_changed(void **state)
{
    struct journal_fixture *fixture = *state;
    struct change_log log = {.lock = PTHREAD_MUTEX_INITIALIZER,
                             .changed = PTHREAD_COND_INITIALIZER};
    struct journal *journal = journal_create(test_database_conninfo(fixture->storage->database));

    journal_add_listener(journal, log_change, &log);
    assert_int_equal(journal_start(journal), OK);
    /* What happened before it began to listen is not known: everybody looks. */
    wait_for_a_change(&log);
    assert_true(log.everything);

    journal_notified(journal, "5000;othernode123;r 7 8;u 9");
    assert_int_equal(log.position, 5000);
    assert_int_equal(log.room_nid, 7);
    assert_int_equal(log.user_nid, 9);
    assert_int_equal(journal_position(journal), 5000);

    journal_notified(journal, "5001;othernode123;*");
    assert_true(log.everything);
    /* Nonsense on the channel is not believed. */
    journal_notified(journal, "garbage");
    assert_int_equal(journal_position(journal), 5001);
    journal_destroy(journal);
}

static void entries_that_wait_when_the_journal_stops_are_written(void **state)
{
    struct journal_fixture *fixture = *state;
    struct journal *journal = journal_create(test_database_conninfo(fixture->storage->database));

    assert_int_equal(journal_start(journal), OK);
    for (int i = 0; i < 1000; i++)
        journal_submit(journal, note("last"), NULL);
    journal_destroy(journal);
    assert_int_equal(test_sql_int(fixture->db, "SELECT count(*) FROM test_notes"), 1000);
}

static void a_lost_database_fails_the_entries_and_a_new_one_serves_the_next(void **state)
{
    struct journal_fixture *fixture = *state;
    enum errcode outcome = E_UNAVAILABLE;

    journal_commit(fixture, note("before"));
    test_database_terminate_backends(fixture->storage->database);
    for (int attempt = 0; attempt < 5 && outcome != OK; attempt++)
        outcome = journal_try(fixture, note("after"));
    assert_int_equal(outcome, OK);
}

#define JOURNAL_TEST(test) cmocka_unit_test_setup_teardown(test, notes_setup, journal_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(positions_are_consecutive_and_are_written_where_the_mark_stood),
        JOURNAL_TEST(invariant_2_bytes_come_back_as_they_were),
        JOURNAL_TEST(rows_of_many_entries_are_written_at_once),
        JOURNAL_TEST(invariant_4_a_group_is_done_only_after_commit),
        JOURNAL_TEST(invariant_5_positions_become_visible_in_order),
        JOURNAL_TEST(invariant_6_only_the_bad_entry_of_a_batch_fails),
        JOURNAL_TEST(an_entry_that_touches_too_few_rows_is_a_conflict_and_leaves_no_trace),
        JOURNAL_TEST(invariant_7_an_event_on_an_old_head_is_a_conflict),
        JOURNAL_TEST(events_of_one_room_in_one_batch_move_its_head_once),
        JOURNAL_TEST(another_nodes_notification_raises_the_position_and_names_what_changed),
        JOURNAL_TEST(entries_that_wait_when_the_journal_stops_are_written),
        JOURNAL_TEST(a_lost_database_fails_the_entries_and_a_new_one_serves_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
