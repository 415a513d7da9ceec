/* Relations and what is bundled of them, as many requests would ask for it. */
#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/client_events.h"
#include "homeserver/rooms/send_event.h"
#include "storage/journal.h"
#include "tests/support/rooms.h"
#include "tests/support/test.h"

#define ALICE "@alice:test.example"

static const char *relate(struct rooms_fixture *fixture, const char *room_id,
                          const struct requester *by, const char *rel_type, const char *target)
{
    struct call *call = fixture->call;
    const char *event_id;
    const struct event_draft draft = {
        .type = "m.room.message",
        .sender = by->user_id,
        .sender_nid = by->user_nid,
        .content =
            json_on_arena(call->arena, json_pack("{ss, s:{ss}, s:{ss, ss}}", "body", "child",
                                                 "m.new_content", "body", "edited", "m.relates_to",
                                                 "rel_type", rel_type, "event_id", target)),
    };

    assert_int_equal(room_send_event(call, room_id, &draft, &event_id), OK);
    assert_int_equal(commit_group_wait(call->commits), OK);
    return event_id;
}

/* Statements that it takes to write the newest `limit` events with their aggregations. */
static int64_t statements_of_page(struct rooms_fixture *fixture, const char *room_id,
                                  const struct requester *viewer, int64_t limit)
{
    struct call *call = fixture->call;
    struct room_reader reader;
    struct stored_event *events;
    struct strbuf text;
    size_t count;

    assert_int_equal(room_reader_make(call, room_id, viewer, &reader), OK);
    const struct event_range range = {.room_nid = room_nid(reader.room),
                                      .after = INT64_MIN,
                                      .until = reader.until,
                                      .limit = limit,
                                      .backwards = true};
    const struct client_events how = {
        .reader = &reader, .with_room_id = true, .with_relations = true};
    assert_int_equal(events_in_range(call->db, call->arena, &range, &events, &count), OK);
    assert_int_equal(count, limit);
    strbuf_init(&text, 0);
    int64_t before = db_statements_run(call->db);
    assert_int_equal(client_events_write(call, &how, events, count, &text), OK);
    int64_t statements = db_statements_run(call->db) - before;
    assert_non_null(strstr(text.data, "\"m.thread\""));
    assert_non_null(strstr(text.data, "\"m.replace\""));
    strbuf_finish(&text);
    return statements;
}

static void a_larger_page_takes_no_more_statements(void **state)
{
    enum { THREADS = 20 };
    struct rooms_fixture *fixture = *state;
    const struct requester *alice = test_requester(fixture, ALICE);
    const char *room_id = test_room(fixture, alice, "12");

    for (int i = 0; i < THREADS; i++) {
        const char *root;
        assert_int_equal(test_message(fixture, room_id, alice, "root", &root), OK);
        const char *child = relate(fixture, room_id, alice, "m.thread", root);
        relate(fixture, room_id, alice, "m.replace", child);
        relate(fixture, room_id, alice, "m.reference", root);
    }
    int64_t small = statements_of_page(fixture, room_id, alice, 4);
    int64_t large = statements_of_page(fixture, room_id, alice, (int64_t)4 * THREADS);
    assert_int_equal(large, small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_larger_page_takes_no_more_statements, rooms_setup,
                                        rooms_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
