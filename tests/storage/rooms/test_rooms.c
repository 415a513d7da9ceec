#include "homeserver/base/arena.h"
#include "homeserver/protocol/event_hash.h"
#include "homeserver/protocol/event_id.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/rooms/send_event.h"
#include "storage/journal.h"
#include "storage/memberships.h"
#include "storage/rooms.h"
#include "storage/state_snapshots.h"
#include "tests/support/rooms.h"
#include "tests/support/test.h"

#define ALICE "@alice:test.example"
#define BOB   "@bob:test.example"

static void rooms_of_every_version_are_created_and_take_messages(void **state)
{
    struct rooms_fixture *fixture = *state;
    const struct requester *alice = test_requester(fixture, ALICE);

    for (size_t i = 0; i < room_version_count; i++) {
        const char *room_id = test_room(fixture, alice, room_versions[i].id);
        assert_int_equal(test_message(fixture, room_id, alice, "hello", NULL), OK);
        test_next_call(fixture);
    }
}

/* I2: the event ID follows from the stored bytes, and the content hash holds. */
static void invariant_2_stored_events_hash_to_their_id(void **state)
{
    struct rooms_fixture *fixture = *state;
    const struct requester *alice = test_requester(fixture, ALICE);
    const char *room_id = test_room(fixture, alice, "12"), *event_id, *computed;
    struct stored_event stored;
    json_t *json;

    assert_int_equal(
        test_message(fixture, room_id, alice, "caf\xc3\xa9 \xf0\x9f\x94\x94", &event_id), OK);
    assert_int_equal(event_load_by_id(fixture->call->db, fixture->call->arena, event_id, &stored),
                     OK);
    assert_int_equal(
        json_parse_object(fixture->call->arena, stored.json, stored.json_size, NULL, &json), OK);
    assert_true(event_content_hash_matches(json));
    assert_int_equal(event_id_of(fixture->call->arena, room_version_find("12"), json, &computed),
                     OK);
    assert_string_equal(computed, event_id);
}

/* In the journal five statements at most and the transaction's own two; on the sender's connection
 * one, which looks for the transaction ID; whether the room has one member or many. */
static void a_message_costs_six_statements_however_many_members_a_room_has(void **state)
{
    enum { MEMBERS = 200, STATEMENTS_MAX = 5 + 2 };
    struct rooms_fixture *fixture = *state;
    const struct requester *alice = test_requester(fixture, ALICE);
    const struct journal *journal = fixture->call->services->journal;
    const char *room_id = test_room(fixture, alice, "12");
    int64_t costs[2];

    for (int round = 0; round < 2; round++) {
        assert_int_equal(test_message(fixture, room_id, alice, "the caches are warm", NULL), OK);
        int64_t journal_before = journal_statements_run(journal);
        int64_t own_before = db_statements_run(fixture->call->db);
        assert_int_equal(test_message(fixture, room_id, alice, "hello", NULL), OK);
        costs[round] = journal_statements_run(journal) - journal_before;
        assert_in_range(db_statements_run(fixture->call->db) - own_before, 0, 1);
        for (int i = 0; round == 0 && i < MEMBERS; i++) {
            char user_id[64];
            snprintf(user_id, sizeof(user_id), "@member%d:test.example", i);
            const struct requester *member = test_requester(fixture, user_id);
            assert_int_equal(test_change_membership(fixture, room_id, member, user_id, "join"), OK);
            test_next_call(fixture);
        }
    }
    assert_int_equal(costs[0], costs[1]);
    assert_in_range(costs[1], 1, STATEMENTS_MAX);
}

/* I3: the bytes of stored state stay within three times those of the state events themselves. */
static void invariant_3_stored_state_is_small(void **state)
{
    enum { MEMBERS = 1000, MESSAGES = 2000 };
    struct rooms_fixture *fixture = *state;
    const struct requester *alice = test_requester(fixture, ALICE);
    struct db *db = fixture->call->db;
    const char *room_id = test_room(fixture, alice, "12");

    for (int i = 0; i < MEMBERS; i++) {
        char user_id[64];
        snprintf(user_id, sizeof(user_id), "@member%d:test.example", i);
        const struct requester *member = test_requester(fixture, user_id);
        assert_int_equal(test_change_membership(fixture, room_id, member, user_id, "join"), OK);
        for (int j = 0; j < MESSAGES / MEMBERS; j++)
            assert_int_equal(test_message(fixture, room_id, member, "hello", NULL), OK);
        test_next_call(fixture);
    }
    int64_t snapshots =
        test_sql_int(db, "SELECT sum(pg_column_size(s.*))::bigint FROM state_snapshots s");
    int64_t events =
        test_sql_int(db, "SELECT sum(octet_length(j.json))::bigint FROM event_json j "
                         "  JOIN events e USING (event_nid) WHERE e.state_key_nid IS NOT NULL");
    assert_true(snapshots <= 3 * events);
    /* A message adds no snapshot. */
    assert_int_equal(test_sql_int(db, "SELECT count(*) FROM state_snapshots"),
                     test_sql_int(db, "SELECT count(*) FROM events "
                                      " WHERE state_key_nid IS NOT NULL"));
}

static void every_snapshot_of_a_room_can_be_loaded_and_is_one_change_from_the_last(void **state)
{
    enum { MEMBERS = 300 };
    struct rooms_fixture *fixture = *state;
    const struct requester *alice = test_requester(fixture, ALICE);
    const char *room_id = test_room(fixture, alice, "11");
    struct stored_room room;

    for (int i = 0; i < MEMBERS; i++) {
        char user_id[64];
        snprintf(user_id, sizeof(user_id), "@member%d:test.example", i);
        const struct requester *member = test_requester(fixture, user_id);
        assert_int_equal(test_change_membership(fixture, room_id, member, user_id, "join"), OK);
        test_next_call(fixture);
    }
    assert_int_equal(room_load(fixture->call->db, fixture->call->arena, room_id, &room), OK);
    int64_t first =
        test_sql_int(fixture->call->db, "SELECT min(snapshot_nid) FROM state_snapshots");
    for (int64_t nid = first; nid <= room.head.snapshot_nid; nid++) {
        struct snapshot_ref ref;
        struct state_map *map;
        assert_int_equal(snapshot_load(fixture->call->db, nid, &ref, &map), OK);
        assert_int_equal(state_map_count(map), nid - first + 1);
        state_map_release(map);
    }
}

static void a_room_goes_on_when_another_node_moved_its_head(void **state)
{
    struct rooms_fixture *fixture = *state;
    const struct requester *alice = test_requester(fixture, ALICE);
    const char *room_id = test_room(fixture, alice, "12");

    assert_int_equal(test_message(fixture, room_id, alice, "one", NULL), OK);
    test_sql(fixture->call->db, "UPDATE room_heads SET version = version + 1");
    assert_int_equal(test_message(fixture, room_id, alice, "two", NULL), E_CONFLICT);
    test_next_call(fixture);
    /* The head was dropped with the conflict and is read again. */
    assert_int_equal(test_message(fixture, room_id, alice, "two", NULL), OK);
}

static void a_failed_commit_takes_all_events_built_upon_it_back(void **state)
{
    struct rooms_fixture *fixture = *state;
    const struct requester *alice = test_requester(fixture, ALICE);
    struct db *db = fixture->call->db;
    const char *room_id = test_room(fixture, alice, "12");
    int64_t before = test_sql_int(db, "SELECT count(*) FROM events");

    test_sql(db, "ALTER TABLE event_json ADD CONSTRAINT refuse CHECK (false) NOT VALID");
    assert_int_not_equal(test_message(fixture, room_id, alice, "lost", NULL), OK);
    test_next_call(fixture);
    test_sql(db, "ALTER TABLE event_json DROP CONSTRAINT refuse");
    assert_int_equal(test_message(fixture, room_id, alice, "kept", NULL), OK);
    assert_int_equal(test_sql_int(db, "SELECT count(*) FROM events"), before + 1);
}

static void a_redaction_takes_the_content_away_and_keeps_the_id(void **state)
{
    struct rooms_fixture *fixture = *state;
    struct call *call = fixture->call;
    const struct requester *alice = test_requester(fixture, ALICE);
    const char *room_id = test_room(fixture, alice, "12"), *secret, *redaction, *computed;
    struct stored_event stored;
    json_t *json;

    assert_int_equal(test_message(fixture, room_id, alice, "secret", &secret), OK);
    const struct event_draft draft = {
        .type = "m.room.redaction",
        .sender = alice->user_id,
        .sender_nid = alice->user_nid,
        .content = json_on_arena(call->arena, json_object()),
        .redacts = secret,
    };
    assert_int_equal(room_send_event(call, room_id, &draft, &redaction), OK);
    assert_int_equal(commit_group_wait(call->commits), OK);

    assert_int_equal(event_load_by_id(call->db, call->arena, secret, &stored), OK);
    assert_null(memmem(stored.json, stored.json_size, "secret", 6));
    assert_true(stored.redacted_by_nid > 0);
    assert_int_equal(json_parse_object(call->arena, stored.json, stored.json_size, NULL, &json),
                     OK);
    assert_int_equal(event_id_of(call->arena, room_version_find("12"), json, &computed), OK);
    assert_string_equal(computed, secret);
}

static void memberships_follow_the_state(void **state)
{
    struct rooms_fixture *fixture = *state;
    struct call *call = fixture->call;
    const struct requester *alice = test_requester(fixture, ALICE);
    const struct requester *bob = test_requester(fixture, BOB);
    const char *room_id = test_room(fixture, alice, "12");
    struct membership_row row;
    struct stored_room room;
    int64_t joined_at;

    assert_int_equal(room_load(call->db, call->arena, room_id, &room), OK);
    assert_int_equal(test_change_membership(fixture, room_id, bob, BOB, "join"), OK);
    assert_int_equal(membership_load(call->db, call->arena, room.room_nid, bob->user_nid, &row),
                     OK);
    assert_int_equal(row.membership, STORED_JOIN);
    joined_at = row.position;
    assert_int_equal(row.last_join_position, joined_at);

    assert_int_equal(test_change_membership(fixture, room_id, alice, BOB, "ban"), OK);
    assert_int_equal(membership_load(call->db, call->arena, room.room_nid, bob->user_nid, &row),
                     OK);
    assert_int_equal(row.membership, STORED_BAN);
    assert_int_equal(row.last_join_position, joined_at);
    assert_true(row.position > joined_at);
    assert_int_equal(test_change_membership(fixture, room_id, bob, BOB, "join"), M_FORBIDDEN);
    assert_int_equal(test_message(fixture, room_id, bob, "no", NULL), M_FORBIDDEN);
}

/* Counted along with every change, and counted anew when the room is loaded: always the same. */
static void the_head_knows_how_many_members_there_are(void **state)
{
    struct rooms_fixture *fixture = *state;
    struct call *call = fixture->call;
    const struct requester *alice = test_requester(fixture, ALICE);
    const struct requester *bob = test_requester(fixture, BOB);
    const char *room_id = test_room(fixture, alice, "12");
    const struct {
        const struct requester *by;
        const char *membership;
        int64_t joined, invited;
    } steps[] = {
        {alice, "invite", 1, 1}, {bob, "join", 2, 0}, {bob, "leave", 1, 0}, {alice, "invite", 1, 1},
        {alice, "leave", 1, 0},  {bob, "join", 2, 0}, {alice, "ban", 1, 0},
    };

    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct member_counts stored;
        struct room_head *head;
        struct room *room;
        assert_int_equal(
            test_change_membership(fixture, room_id, steps[i].by, BOB, steps[i].membership), OK);
        assert_int_equal(room_open(call, room_id, &room), OK);
        assert_int_equal(room_committed_head(call, room, &head), OK);
        assert_int_equal(head->members.joined, steps[i].joined);
        assert_int_equal(head->members.invited, steps[i].invited);
        assert_int_equal(memberships_count(call->db, call->arena, room_nid(room), &stored), OK);
        assert_int_equal(stored.joined, steps[i].joined);
        assert_int_equal(stored.invited, steps[i].invited);
        test_next_call(fixture);
    }
}

#define ROOMS_TEST(test) cmocka_unit_test_setup_teardown(test, rooms_setup, rooms_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOMS_TEST(rooms_of_every_version_are_created_and_take_messages),
        ROOMS_TEST(invariant_2_stored_events_hash_to_their_id),
        ROOMS_TEST(a_message_costs_six_statements_however_many_members_a_room_has),
        ROOMS_TEST(invariant_3_stored_state_is_small),
        ROOMS_TEST(every_snapshot_of_a_room_can_be_loaded_and_is_one_change_from_the_last),
        ROOMS_TEST(a_room_goes_on_when_another_node_moved_its_head),
        ROOMS_TEST(a_failed_commit_takes_all_events_built_upon_it_back),
        ROOMS_TEST(a_redaction_takes_the_content_away_and_keeps_the_id),
        ROOMS_TEST(memberships_follow_the_state),
        ROOMS_TEST(the_head_knows_how_many_members_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
