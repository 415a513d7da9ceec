#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "storage/journal.h"
#include "storage/recent_events.h"
#include "tests/support/test.h"

enum { LIMIT_BYTES = 1 << 20, ROOM = 7, PER_ROOM = 32 };

struct fixture {
    struct recent_events *recent;
    struct arena *arena;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture->recent = recent_events_create(LIMIT_BYTES);
    fixture->arena = arena_create();
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    recent_events_destroy(fixture->recent);
    arena_destroy(fixture->arena); /* lent events outlive the memory they came from */
    free(fixture);
    return 0;
}

static void add(struct fixture *fixture, int64_t room_nid, int64_t position, unsigned flags)
{
    const struct stored_event event = {
        .event_nid = 1000 + position,
        .room_nid = room_nid,
        .position = position,
        .flags = flags,
        .event_id = "$event",
        .json = "{}",
        .json_size = 2,
    };

    recent_events_add(fixture->recent, &event);
}

/* How many are found, or -1 when they are not all known; the first one's position. */
static int find(struct fixture *fixture, struct recent_range range, int64_t *first_out)
{
    struct stored_event *events;
    size_t count;

    if (!recent_events_find(fixture->recent, fixture->arena, &range, &events, &count))
        return -1;
    *first_out = count > 0 ? events[0].position : 0;
    return (int)count;
}

static int after(struct fixture *fixture, int64_t position)
{
    int64_t first;

    return find(fixture, (struct recent_range){ROOM, position, INT64_MAX, 100}, &first);
}

static void what_was_before_the_first_known_event_is_not_known(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(after(fixture, 0), -1);
    add(fixture, ROOM, 10, 0);
    add(fixture, ROOM, 15, 0);
    assert_int_equal(after(fixture, 8), -1);
    assert_int_equal(after(fixture, 9), 2);
    assert_int_equal(after(fixture, 10), 1);
    assert_int_equal(after(fixture, 15), 0);
}

static void the_newest_up_to_a_position_and_a_limit_are_found(void **state)
{
    struct fixture *fixture = *state;
    int64_t first;

    for (int64_t position = 1; position <= 10; position++)
        add(fixture, ROOM, position, 0);
    assert_int_equal(find(fixture, (struct recent_range){ROOM, 2, 8, 3}, &first), 3);
    assert_int_equal(first, 6);
    /* Enough of them: what is older does not matter. */
    assert_int_equal(find(fixture, (struct recent_range){ROOM, INT64_MIN, 8, 8}, &first), 8);
    assert_int_equal(find(fixture, (struct recent_range){ROOM, INT64_MIN, 8, 9}, &first), -1);
}

static void the_oldest_go_when_a_room_has_many(void **state)
{
    struct fixture *fixture = *state;

    for (int64_t position = 1; position <= PER_ROOM + 1; position++)
        add(fixture, ROOM, position, 0);
    assert_int_equal(after(fixture, 0), -1);
    assert_int_equal(after(fixture, 1), PER_ROOM);
}

static void hidden_events_and_history_are_left_out(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, ROOM, 1, 0);
    add(fixture, ROOM, 2, EVENT_SOFT_FAILED);
    add(fixture, ROOM, 3, EVENT_REJECTED);
    add(fixture, ROOM, -4, 0);
    assert_int_equal(after(fixture, 0), 1);
}

static void a_redaction_and_another_nodes_changes_are_read_again(void **state)
{
    static const int64_t rooms[] = {ROOM};
    struct fixture *fixture = *state;

    add(fixture, ROOM, 1, 0);
    recent_events_rewritten(fixture->recent, ROOM);
    assert_int_equal(after(fixture, 0), -1);

    add(fixture, ROOM, 2, 0);
    struct journal_change change = {
        .position = 3, .message_room_nids = rooms, .message_room_count = 1};
    recent_events_on_change(fixture->recent, &change);
    assert_int_equal(after(fixture, 1), 1); /* our own */
    change.from_other_node = true;
    recent_events_on_change(fixture->recent, &change);
    assert_int_equal(after(fixture, 1), -1);

    add(fixture, ROOM, 4, 0);
    recent_events_on_change(fixture->recent, &(struct journal_change){.everything = true});
    assert_int_equal(after(fixture, 3), -1);
}

static void the_limit_in_bytes_drops_rooms_written_to_long_ago(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, ROOM, 1, 0);
    for (int64_t room = 100; room < 5000; room++)
        add(fixture, room, room, 0);
    assert_int_equal(after(fixture, 0), -1);
    int64_t first;
    assert_int_equal(find(fixture, (struct recent_range){4999, 4998, INT64_MAX, 5}, &first), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_before_the_first_known_event_is_not_known),
        TEST(the_newest_up_to_a_position_and_a_limit_are_found),
        TEST(the_oldest_go_when_a_room_has_many),
        TEST(hidden_events_and_history_are_left_out),
        TEST(a_redaction_and_another_nodes_changes_are_read_again),
        TEST(the_limit_in_bytes_drops_rooms_written_to_long_ago),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
