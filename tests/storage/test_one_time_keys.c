#include "homeserver/base/arena.h"
#include "storage/accounts.h"
#include "storage/db.h"
#include "storage/devices.h"
#include "storage/journal.h"
#include "storage/one_time_keys.h"
#include "tests/support/journal.h"
#include "tests/support/test.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, journal_setup, journal_teardown)

static const struct one_time_key three_keys[] = {
    {"signed_curve25519", "C", "{\"key\":\"1\"}"},
    {"signed_curve25519", "A", "{\"key\":\"2\"}"},
    {"signed_curve25519", "B", "{\"key\":\"3\"}"},
};

static struct device_address new_device(struct journal_fixture *fixture)
{
    const struct account account = {.user_id = "@a:one", .created_ts = 1};
    struct device_address device = {.device_id = "PHONE"};

    assert_int_equal(account_insert(fixture->db, fixture->arena, &account, &device.user_nid), OK);
    assert_int_equal(device_insert(fixture->db, device.user_nid, device.device_id, NULL, 1), OK);
    return device;
}

static const char *insert(struct journal_fixture *fixture, const struct device_address *device,
                          const struct one_time_key *keys, size_t count)
{
    const char *conflict;

    assert_int_equal(
        one_time_keys_insert(fixture->db, fixture->arena, device, keys, count, &conflict), OK);
    return conflict;
}

/* The ID of the key that is handed out next, or "none". */
static const char *claim(struct journal_fixture *fixture, struct db *db,
                         const struct device_address *device)
{
    struct key_claim claim = {.device = *device, .algorithm = "signed_curve25519"};

    assert_int_equal(one_time_keys_claim(db, fixture->arena, &claim, 1), OK);
    return claim.key_id != NULL ? claim.key_id : "none";
}

static void keys_are_handed_out_in_the_order_of_their_upload(void **state)
{
    struct journal_fixture *fixture = *state;
    struct device_address device = new_device(fixture);

    assert_null(insert(fixture, &device, three_keys, 3));
    assert_string_equal(claim(fixture, fixture->db, &device), "C");
    assert_string_equal(claim(fixture, fixture->db, &device), "A");
    assert_string_equal(claim(fixture, fixture->db, &device), "B");
    assert_string_equal(claim(fixture, fixture->db, &device), "none");
}

static void a_key_handed_out_does_not_come_back_by_another_upload(void **state)
{
    struct journal_fixture *fixture = *state;
    struct device_address device = new_device(fixture);
    const struct one_time_key changed = {"signed_curve25519", "C", "{\"key\":\"4\"}"};

    assert_null(insert(fixture, &device, three_keys, 1));
    assert_string_equal(claim(fixture, fixture->db, &device), "C");
    assert_null(insert(fixture, &device, three_keys, 1));
    assert_string_equal(claim(fixture, fixture->db, &device), "none");
    assert_string_equal(insert(fixture, &device, &changed, 1), "C");
}

static void transactions_under_way_never_take_the_same_key(void **state)
{
    struct journal_fixture *fixture = *state;
    struct device_address device = new_device(fixture);
    SCOPED(db_transaction_end) struct db *tx = NULL;
    struct db *other = db_create(test_database_conninfo(fixture->storage->database));

    assert_null(insert(fixture, &device, three_keys, 2));
    assert_int_equal(db_begin(fixture->db, &tx), OK);
    assert_string_equal(claim(fixture, tx, &device), "C");
    assert_string_equal(claim(fixture, other, &device), "A");
    assert_string_equal(claim(fixture, other, &device), "none");
    /* What was not committed was handed to nobody. */
    db_transaction_end(&tx);
    tx = NULL;
    assert_string_equal(claim(fixture, other, &device), "C");
    db_destroy(other);
}

static void counts_tell_what_is_left_and_when_it_changed(void **state)
{
    struct journal_fixture *fixture = *state;
    struct device_address device = new_device(fixture);
    struct journal_entry *entry = journal_entry_create();
    struct key_counts counts;

    assert_null(insert(fixture, &device, three_keys, 3));
    assert_int_equal(fallback_keys_set(fixture->db, fixture->arena, &device, three_keys, 1), OK);
    one_time_keys_changed_in(entry, &device);
    int64_t position = journal_commit(fixture, entry);
    claim(fixture, fixture->db, &device);
    assert_int_equal(key_counts_load(fixture->db, fixture->arena, &device, &counts), OK);
    assert_int_equal(counts.count, 1);
    assert_string_equal(counts.counts[0].algorithm, "signed_curve25519");
    assert_int_equal(counts.counts[0].count, 2);
    assert_int_equal(counts.unused_fallback_count, 1);
    assert_int_equal(counts.position, position);
}

static void keys_end_with_their_device(void **state)
{
    struct journal_fixture *fixture = *state;
    struct device_address device = new_device(fixture);
    struct journal_entry *entry = journal_entry_create();
    struct key_counts counts;

    assert_null(insert(fixture, &device, three_keys, 3));
    devices_delete_in(entry, device.user_nid, &device.device_id, 1);
    journal_commit(fixture, entry);
    assert_string_equal(claim(fixture, fixture->db, &device), "none");
    /* What comes too late is dropped. */
    assert_null(insert(fixture, &device, three_keys, 3));
    assert_int_equal(key_counts_load(fixture->db, fixture->arena, &device, &counts), OK);
    assert_int_equal(counts.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_are_handed_out_in_the_order_of_their_upload),
        TEST(a_key_handed_out_does_not_come_back_by_another_upload),
        TEST(transactions_under_way_never_take_the_same_key),
        TEST(counts_tell_what_is_left_and_when_it_changed),
        TEST(keys_end_with_their_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
