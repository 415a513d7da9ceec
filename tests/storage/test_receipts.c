#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/receipts.h"
#include "storage/users.h"
#include "tests/support/journal.h"
#include "tests/support/test.h"

static int64_t user(struct journal_fixture *fixture, const char *user_id)
{
    int64_t nid;

    assert_int_equal(user_nid_intern(fixture->db, fixture->arena, user_id, &nid), OK);
    return nid;
}

static int64_t set(struct journal_fixture *fixture, struct receipt receipt)
{
    struct journal_entry *entry = journal_entry_create();

    if (receipt.type == 0)
        receipt.type = RECEIPT_READ;
    if (receipt.thread == NULL)
        receipt.thread = RECEIPT_UNTHREADED;
    receipt_set_in(entry, &receipt);
    return journal_commit(fixture, entry);
}

static struct receipt *changed(struct journal_fixture *fixture, int64_t viewer_nid, int64_t since,
                               size_t *count_out)
{
    static const int64_t rooms[] = {1, 2};
    const struct receipt_query query = {
        .room_nids = {rooms, COUNT_OF(rooms)},
        .viewer_nid = viewer_nid,
        .range = {.since = since, .until = journal_position(fixture->journal)},
    };
    struct receipt *receipts;

    assert_int_equal(receipts_changed(fixture->db, fixture->arena, &query, &receipts, count_out),
                     OK);
    return receipts;
}

static void a_receipt_moves_forward_only(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t a = user(fixture, "@a:one");
    size_t count;

    set(fixture,
        (struct receipt){.room_nid = 1, .user_nid = a, .event_id = "$20", .event_position = 20});
    int64_t since = set(
        fixture,
        (struct receipt){.room_nid = 1, .user_nid = a, .event_id = "$10", .event_position = 10});
    changed(fixture, a, since - 1, &count);
    assert_int_equal(count, 0);
    set(fixture,
        (struct receipt){.room_nid = 1, .user_nid = a, .event_id = "$30", .event_position = 30});
    struct receipt *receipts = changed(fixture, a, since, &count);
    assert_int_equal(count, 1);
    assert_string_equal(receipts[0].event_id, "$30");
    assert_string_equal(receipts[0].user_id, "@a:one");
}

static void each_thread_has_a_receipt_of_its_own(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t a = user(fixture, "@a:one");
    struct receipt *receipts;
    size_t count;

    set(fixture,
        (struct receipt){.room_nid = 1, .user_nid = a, .event_id = "$9", .event_position = 9});
    set(fixture, (struct receipt){.room_nid = 1,
                                  .user_nid = a,
                                  .thread = RECEIPT_MAIN,
                                  .event_id = "$5",
                                  .event_position = 5});
    set(fixture, (struct receipt){.room_nid = 1,
                                  .user_nid = a,
                                  .thread = "$root",
                                  .event_id = "$6",
                                  .event_position = 6});
    assert_int_equal(receipts_of_user(fixture->db, fixture->arena, 1, a, &receipts, &count), OK);
    assert_int_equal(count, 3);
    assert_string_equal(receipts[0].thread, "");
    assert_string_equal(receipts[1].thread, "main");
    assert_string_equal(receipts[2].thread, "$root");
}

static struct position_range all_of(struct journal_fixture *fixture)
{
    return (struct position_range){.until = journal_position(fixture->journal), .limit = 10};
}

static void private_receipts_are_for_their_user_alone(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t a = user(fixture, "@a:one");
    int64_t b = user(fixture, "@b:one");
    struct receipt *receipts;
    size_t count;

    test_sql(fixture->db, "UPDATE users SET is_local = true");
    set(fixture, (struct receipt){.room_nid = 2,
                                  .user_nid = a,
                                  .type = RECEIPT_READ_PRIVATE,
                                  .event_id = "$1",
                                  .event_position = 1});
    changed(fixture, b, 0, &count);
    assert_int_equal(count, 0);
    changed(fixture, a, 0, &count);
    assert_int_equal(count, 1);
    assert_int_equal(
        receipts_to_federate(fixture->db, fixture->arena, all_of(fixture), &receipts, &count), OK);
    assert_int_equal(count, 0);
}

static void receipts_of_local_users_are_federated(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t a = user(fixture, "@a:one");
    int64_t b = user(fixture, "@b:two");
    struct receipt *receipts;
    size_t count;

    test_sql(fixture->db, "UPDATE users SET is_local = true WHERE user_id = '@a:one'");
    set(fixture, (struct receipt){.room_nid = 2, .user_nid = a, .event_id = "$1"});
    set(fixture, (struct receipt){.room_nid = 2, .user_nid = b, .event_id = "$1"});
    assert_int_equal(
        receipts_to_federate(fixture->db, fixture->arena, all_of(fixture), &receipts, &count), OK);
    assert_int_equal(count, 1);
    assert_int_equal(receipts[0].user_nid, a);
}

static void a_receipt_for_an_event_we_do_not_have_is_kept(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t b = user(fixture, "@b:two");
    struct receipt *receipts;
    size_t count;

    set(fixture,
        (struct receipt){.room_nid = 1, .user_nid = b, .event_id = "$1", .event_position = 1});
    int64_t since = set(fixture, (struct receipt){.room_nid = 1, .user_nid = b, .event_id = "$x"});
    receipts = changed(fixture, b, 0, &count);
    assert_string_equal(receipts[0].event_id, "$x");
    set(fixture, (struct receipt){.room_nid = 1, .user_nid = b, .event_id = "$x"});
    changed(fixture, b, since, &count);
    assert_int_equal(count, 0);
    set(fixture,
        (struct receipt){.room_nid = 1, .user_nid = b, .event_id = "$2", .event_position = 2});
    receipts = changed(fixture, b, 0, &count);
    assert_string_equal(receipts[0].event_id, "$2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, journal_setup, journal_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_receipt_moves_forward_only),
        TEST(each_thread_has_a_receipt_of_its_own),
        TEST(private_receipts_are_for_their_user_alone),
        TEST(receipts_of_local_users_are_federated),
        TEST(a_receipt_for_an_event_we_do_not_have_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
