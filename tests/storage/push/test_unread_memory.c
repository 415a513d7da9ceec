#include "homeserver/base/arena.h"
#include "homeserver/protocol/push_rules.h"
#include "homeserver/push/unread_memory.h"
#include "homeserver/services.h"
#include "storage/events.h"
#include "storage/journal.h"
#include "storage/receipts.h"
#include "storage/recent_events.h"
#include "storage/rooms.h"
#include "storage/users.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

enum { ROOM = 1, LIMIT_BYTES = 1 << 20, STEPS = 400, THREADS = 3 };

struct fixture {
    struct storage_fixture *storage;
    struct journal *journal;
    struct services services;
    int64_t me, you;
    int64_t last_event, version;
    int64_t my_receipt; /* position at which it was set */
    unsigned seed;
};

static unsigned random_below_of(struct fixture *fixture, unsigned limit)
{
    fixture->seed = fixture->seed * 1103515245u + 12345u;
    return (fixture->seed >> 16) % limit;
}

static int64_t commit(struct fixture *fixture, struct journal_entry *entry)
{
    struct commit_group *group = commit_group_create();

    journal_submit(fixture->journal, entry, group);
    assert_int_equal(commit_group_wait(group), OK);
    commit_group_release(group);
    return journal_position(fixture->journal);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    void *storage = NULL;

    assert_non_null(fixture);
    assert_int_equal(storage_setup(&storage), 0);
    fixture->storage = storage;
    fixture->seed = 7;
    fixture->services.recent_events = recent_events_create(LIMIT_BYTES);
    fixture->services.unread_memory = unread_memory_create(LIMIT_BYTES);
    fixture->journal = journal_create(test_database_conninfo(fixture->storage->database));
    journal_set_recent_events(fixture->journal, fixture->services.recent_events);
    assert_int_equal(journal_start(fixture->journal), OK);

    struct db *db = fixture->storage->db;
    struct arena *arena = fixture->storage->arena;
    assert_int_equal(user_nid_intern(db, arena, "@me:one", &fixture->me), OK);
    assert_int_equal(user_nid_intern(db, arena, "@you:one", &fixture->you), OK);
    test_sql(db, "INSERT INTO memberships (room_nid, user_nid, membership, is_local, event_nid, "
                 "                         sender_nid, position) "
                 "SELECT 1, user_nid, 2, true, 1, 1, 0 FROM users");
    struct journal_entry *entry = journal_entry_create();
    room_create_in(entry, ROOM, "!room:one", "12", 1);
    commit(fixture, entry);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *storage = fixture->storage;

    journal_destroy(fixture->journal);
    arena_reset(fixture->storage->arena); /* lent events */
    recent_events_destroy(fixture->services.recent_events);
    unread_memory_destroy(fixture->services.unread_memory);
    free(fixture);
    return storage_teardown(&storage);
}

static struct journal_entry *event_entry(struct fixture *fixture, int64_t sender_nid,
                                         unsigned flags)
{
    struct journal_entry *entry = journal_entry_create();
    char event_id[32];

    fixture->last_event++;
    snprintf(event_id, sizeof(event_id), "$%lld", (long long)fixture->last_event);
    const struct new_event event = {
        .event = {.event_nid = fixture->last_event,
                  .room_nid = ROOM,
                  .position = JOURNAL_POSITION_MARK,
                  .depth = 1,
                  .sender_nid = sender_nid,
                  .flags = flags,
                  .event_id = event_id,
                  .json = "{}",
                  .json_size = 2},
        .expected_head_version = fixture->version,
        .head = {.version = fixture->version + 1, .depth = 1, .extremities = event_id},
    };
    fixture->version++;
    journal_entry_set_event(entry, &event);
    return entry;
}

static void send_something(struct fixture *fixture)
{
    static const unsigned shared[] = {0, EVENT_NOTIFIES, EVENT_NOTIFIES | EVENT_HIGHLIGHTS};
    static const unsigned personal[] = {0, PUSH_NOTIFY, PUSH_NOTIFY | PUSH_HIGHLIGHT};
    int64_t sender_nid = random_below_of(fixture, 6) == 0 ? fixture->me : fixture->you;
    unsigned thread = random_below_of(fixture, THREADS + 2);
    unsigned flags = shared[random_below_of(fixture, COUNT_OF(shared))];
    char root[32];

    struct journal_entry *entry =
        event_entry(fixture, sender_nid, flags | (thread < THREADS ? EVENT_IN_THREAD : 0));
    snprintf(root, sizeof(root), "$root%u", thread);
    if (thread < THREADS)
        thread_event_add_in(entry, fixture->last_event, ROOM, root);
    for (unsigned i = 0; i < random_below_of(fixture, 3); i++) {
        const struct push_action action = {
            .user_nid = i == 0 ? fixture->me : fixture->you,
            .room_nid = ROOM,
            .flags = personal[random_below_of(fixture, COUNT_OF(personal))],
        };
        push_action_add_in(entry, &action);
    }
    commit(fixture, entry);
}

static void read_something(struct fixture *fixture)
{
    unsigned thread = random_below_of(fixture, THREADS + 2);
    char name[32];
    struct journal_entry *entry = journal_entry_create();

    snprintf(name, sizeof(name), "$root%u", thread);
    const struct receipt receipt = {
        .room_nid = ROOM,
        .user_nid = fixture->me,
        .type = RECEIPT_READ,
        .thread = thread < THREADS    ? name
                  : thread == THREADS ? RECEIPT_MAIN
                                      : RECEIPT_UNTHREADED,
        .event_id = "$read",
        .event_position = journal_position(fixture->journal) - random_below_of(fixture, 5),
    };
    receipt_set_in(entry, &receipt);
    fixture->my_receipt = commit(fixture, entry);
}

/* "thread:notifications/highlights" of each thread. */
static const char *as_text(struct arena *arena, const struct unread_count *rows, size_t count)
{
    const char *text = "";

    for (size_t i = 0; i < count; i++)
        text = arena_printf(arena, "%s %s:%lld/%lld", text, rows[i].thread,
                            (long long)rows[i].notifications, (long long)rows[i].highlights);
    return text;
}

static struct call call_of(struct fixture *fixture)
{
    return (struct call){.services = &fixture->services,
                         .db = fixture->storage->db,
                         .arena = fixture->storage->arena};
}

static const char *recalled(struct fixture *fixture, int64_t reliable_from)
{
    const struct unread_question question = {fixture->me, ROOM, reliable_from, true};
    struct call call = call_of(fixture);
    struct unread_count *rows;
    size_t count;

    assert_int_equal(
        unread_recall(&call, &question, 1, journal_position(fixture->journal), &rows, &count), OK);
    return as_text(call.arena, rows, count);
}

static const char *counted(struct fixture *fixture)
{
    static const int64_t rooms[] = {ROOM};
    const struct unread_query query = {fixture->me, {rooms, 1}, INT64_MAX};
    struct unread_count *rows;
    size_t count;

    assert_int_equal(
        unread_counts(fixture->storage->db, fixture->storage->arena, &query, &rows, &count), OK);
    return as_text(fixture->storage->arena, rows, count);
}

static void the_memory_says_what_the_database_says(void **state)
{
    struct fixture *fixture = *state;

    for (int step = 0; step < STEPS; step++) {
        unsigned what = random_below_of(fixture, 12);
        if (what == 0)
            read_something(fixture);
        else if (what == 1)
            recent_events_rewritten(fixture->services.recent_events, ROOM);
        else
            send_something(fixture);
        if (random_below_of(fixture, 3) > 0)
            assert_string_equal(recalled(fixture, fixture->my_receipt), counted(fixture));
    }
}

static void telling_of_a_message_asks_the_database_nothing(void **state)
{
    struct fixture *fixture = *state;

    (void)recalled(fixture, 0);
    int64_t before = db_statements_run(fixture->storage->db);
    for (int i = 0; i < 20; i++) {
        send_something(fixture);
        (void)recalled(fixture, 0);
    }
    assert_int_equal(db_statements_run(fixture->storage->db), before);
    /* After a receipt, and when events were forgotten, it is asked once. */
    (void)recalled(fixture, journal_position(fixture->journal) + 1);
    assert_int_equal(db_statements_run(fixture->storage->db), before + 1);
    send_something(fixture);
    recent_events_rewritten(fixture->services.recent_events, ROOM);
    (void)recalled(fixture, 0);
    assert_int_equal(db_statements_run(fixture->storage->db), before + 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_memory_says_what_the_database_says),
        TEST(telling_of_a_message_asks_the_database_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
