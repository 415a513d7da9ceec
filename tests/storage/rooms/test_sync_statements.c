/* What a sync costs the database, counted in statements. */
#include "homeserver/base/arena.h"
#include "homeserver/presence/presence.h"
#include "homeserver/presence/typing.h"
#include "homeserver/protocol/json.h"
#include "homeserver/push/unread_memory.h"
#include "homeserver/sync/known_filters.h"
#include "homeserver/sync/notifier.h"
#include "homeserver/sync/sync.h"
#include "storage/filters.h"
#include "storage/journal.h"
#include "tests/support/rooms.h"
#include "tests/support/test.h"

#define ALICE "@alice:test.example"
#define BOB   "@bob:test.example"

enum { FEW = 3, MANY = 12, MESSAGES = 4, MEMORY_BYTES = 1 << 20 };

static int setup(void **state)
{
    assert_int_equal(rooms_setup(state), 0);
    struct services *services = &((struct rooms_fixture *)*state)->accounts->services;

    services->typing = typing_create();
    services->presence = presence_create();
    services->unread_memory = unread_memory_create(MEMORY_BYTES);
    services->known_filters = known_filters_create();
    return 0;
}

static int teardown(void **state)
{
    struct services services = ((struct rooms_fixture *)*state)->accounts->services;
    int result = rooms_teardown(state);

    known_filters_destroy(services.known_filters);
    unread_memory_destroy(services.unread_memory);
    presence_destroy(services.presence);
    typing_destroy(services.typing);
    return result;
}

/* Both are in it and have written; Bob more than fits into the timeline. */
static const char *lively_room(struct rooms_fixture *fixture)
{
    const struct requester *alice = test_requester(fixture, ALICE);
    const struct requester *bob = test_requester(fixture, BOB);
    const char *room_id = test_room(fixture, bob, "12");

    assert_int_equal(test_change_membership(fixture, room_id, alice, ALICE, "join"), OK);
    assert_int_equal(test_message(fixture, room_id, alice, "hello", NULL), OK);
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(test_message(fixture, room_id, bob, "hello", NULL), OK);
    test_next_call(fixture);
    return room_id;
}

/* Statements of Alice's sync; a text that the answer holds `times` times. */
static int64_t statements_of_sync(struct rooms_fixture *fixture, const char *filter_text,
                                  const struct sync_token *since, const char *needle, size_t times)
{
    struct call *call = fixture->call;
    struct sync_result result;
    const struct filter *filter;
    struct strbuf answer;
    size_t found = 0;
    json_t *json;

    assert_int_equal(json_parse_object(call->arena, filter_text, strlen(filter_text), NULL, &json),
                     OK);
    assert_int_equal(filter_parse(call->arena, json, call->error, &filter), OK);
    const struct sync_request request = {
        .requester = test_requester(fixture, ALICE), .since = since, .filter = filter};
    int64_t before = db_statements_run(call->db);
    strbuf_init(&answer, 0);
    assert_int_equal(sync_build(call, &request, &answer, &result), OK);
    int64_t statements = db_statements_run(call->db) - before;
    for (const char *at = answer.data; (at = strstr(at, needle)) != NULL; at++)
        found++;
    if (found != times)
        fail_msg("%s", answer.data);
    strbuf_finish(&answer);
    test_next_call(fixture);
    return statements;
}

static int64_t statements_of_initial_sync(struct rooms_fixture *fixture, const char *filter,
                                          size_t rooms)
{
    /* The second time every cache is warm. */
    statements_of_sync(fixture, filter, NULL, "\"prev_batch\"", rooms);
    return statements_of_sync(fixture, filter, NULL, "\"prev_batch\"", rooms);
}

static void an_initial_sync_costs_as_many_statements_however_many_rooms(void **state)
{
    static const char *const filters[] = {
        "{\"room\":{\"timeline\":{\"limit\":1},\"state\":{\"lazy_load_members\":true}}}",
        "{\"room\":{\"timeline\":{\"limit\":20},\"state\":{\"lazy_load_members\":true}}}",
        "{\"room\":{\"timeline\":{\"limit\":3}}}",
    };
    struct rooms_fixture *fixture = *state;
    int64_t few[COUNT_OF(filters)];
    size_t rooms = 0;

    while (rooms < FEW) {
        lively_room(fixture);
        rooms++;
    }
    for (size_t i = 0; i < COUNT_OF(filters); i++)
        few[i] = statements_of_initial_sync(fixture, filters[i], rooms);
    while (rooms < MANY) {
        lively_room(fixture);
        rooms++;
    }
    for (size_t i = 0; i < COUNT_OF(filters); i++)
        assert_int_equal(statements_of_initial_sync(fixture, filters[i], rooms), few[i]);
}

static void one_new_message_costs_as_many_statements_however_many_rooms(void **state)
{
    static const char filter[] = "{\"room\":{\"timeline\":{\"limit\":20}}}";
    struct rooms_fixture *fixture = *state;
    const struct requester *bob = test_requester(fixture, BOB);
    const char *room_id = lively_room(fixture);
    int64_t costs[2];
    size_t rooms = 1;

    for (size_t i = 0; i < COUNT_OF(costs); i++) {
        statements_of_sync(fixture, filter, NULL, "\"prev_batch\"", rooms);
        const struct sync_token since = {.position =
                                             journal_position(fixture->call->services->journal)};
        statements_of_sync(fixture, filter, &since, "\"prev_batch\"", 0);
        assert_int_equal(test_message(fixture, room_id, bob, "news", NULL), OK);
        costs[i] = statements_of_sync(fixture, filter, &since, "\"news\"", 1);
        for (; rooms < MANY; rooms++)
            lively_room(fixture);
    }
    assert_int_equal(costs[0], costs[1]);
}

/* Clients name its ID with each sync. */
static void a_stored_filter_is_read_once_and_belongs_to_its_user(void **state)
{
    struct rooms_fixture *fixture = *state;
    struct call *call = fixture->call;
    int64_t alice_nid = test_requester(fixture, ALICE)->user_nid;
    int64_t bob_nid = test_requester(fixture, BOB)->user_nid;
    static const char text[] = "{\"room\":{\"timeline\":{\"limit\":7}}}";
    const struct filter *by_id, *by_text;
    const char *filter_id;
    char id[32];

    assert_int_equal(filter_save(call->db, call->arena, alice_nid, text, &filter_id), OK);
    snprintf(id, sizeof(id), "%s", filter_id);
    assert_int_equal(known_filter_find(call, alice_nid, id, &by_id), OK);
    test_next_call(fixture);

    int64_t before = db_statements_run(call->db);
    assert_int_equal(known_filter_find(call, alice_nid, id, &by_id), OK);
    assert_int_equal(known_filter_find(call, alice_nid, text, &by_text), OK);
    assert_int_equal(db_statements_run(call->db), before);
    assert_int_equal(by_id->timeline.limit, 7);
    assert_ptr_equal(by_id, by_text);
    assert_int_equal(known_filter_find(call, bob_nid, id, &by_id), M_INVALID_PARAM);
    assert_int_equal(known_filter_find(call, alice_nid, "{\"room\":7}", &by_id), M_INVALID_PARAM);
    test_next_call(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_initial_sync_costs_as_many_statements_however_many_rooms,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(one_new_message_costs_as_many_statements_however_many_rooms,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_stored_filter_is_read_once_and_belongs_to_its_user, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
