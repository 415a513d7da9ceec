#include "homeserver/base/arena.h"
#include "storage/accounts.h"
#include "storage/db.h"
#include "storage/dehydrated_devices.h"
#include "storage/devices.h"
#include "storage/journal.h"
#include "storage/to_device.h"
#include "tests/support/journal.h"
#include "tests/support/test.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, journal_setup, journal_teardown)

enum { LONG_AGO = 1000, SINCE = 2000, LATELY = 3000 };

static int64_t new_user(struct journal_fixture *fixture, const char *user_id)
{
    const struct account account = {.user_id = user_id, .created_ts = 1};
    int64_t user_nid;

    assert_int_equal(account_insert(fixture->db, fixture->arena, &account, &user_nid), OK);
    return user_nid;
}

static void new_device(struct journal_fixture *fixture, int64_t user_nid, const char *device_id,
                       int64_t created_ts)
{
    assert_int_equal(device_insert(fixture->db, user_nid, device_id, NULL, created_ts), OK);
}

static void send(struct journal_fixture *fixture, int64_t sender_nid, int64_t user_nid,
                 const char *device_id, const char *content)
{
    const struct to_device_batch batch = {
        .sender_nid = sender_nid,
        .type = "m.room.encrypted",
        .user_nids = &user_nid,
        .device_ids = &device_id,
        .contents = &content,
        .count = 1,
    };
    struct journal_entry *entry = journal_entry_create();

    to_device_add_in(entry, &batch);
    journal_commit(fixture, entry);
}

/* What waits for the device, as one text. */
static const char *waiting(struct journal_fixture *fixture, int64_t user_nid, const char *device_id)
{
    const struct to_device_reader reader = {
        .user_nid = user_nid,
        .device_id = device_id,
        .range = {.until = INT64_MAX, .limit = 100},
    };
    struct to_device_message *messages;
    const char *text = "";
    size_t count;

    assert_int_equal(to_device_read(fixture->db, fixture->arena, &reader, &messages, &count), OK);
    for (size_t i = 0; i < count; i++)
        text = arena_printf(fixture->arena, "%s%s", text, messages[i].content);
    return text;
}

static void messages_expire_with_the_patience_for_their_device(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t user = new_user(fixture, "@a:one");
    const struct dehydrated_device dehydrated = {.device_id = "FROZEN", .device_data = "{}"};
    const struct device_use use = {
        .user_nid = user, .device_id = "USED", .address = "::1", .now_ms = LATELY};

    for (const char *const *id = (const char *const[]){"GONE", "USED", "FROZEN", "NEW", NULL};
         *id != NULL; id++) {
        new_device(fixture, user, *id, (*id)[0] == 'N' ? LATELY : LONG_AGO);
        send(fixture, user, user, *id, "{}");
    }
    assert_int_equal(device_note_use(fixture->db, &use), OK);
    assert_int_equal(dehydrated_device_set(fixture->db, user, &dehydrated), OK);

    assert_int_equal(to_device_expire(fixture->db, SINCE), OK);
    assert_string_equal(waiting(fixture, user, "GONE"), "");
    assert_string_equal(waiting(fixture, user, "USED"), "{}");
    assert_string_equal(waiting(fixture, user, "FROZEN"), "{}");
    assert_string_equal(waiting(fixture, user, "NEW"), "{}");
}

static void a_flood_does_not_push_out_what_others_sent(void **state)
{
    struct journal_fixture *fixture = *state;
    int64_t user = new_user(fixture, "@a:one"), flood = new_user(fixture, "@b:one");

    new_device(fixture, user, "PHONE", LATELY);
    new_device(fixture, user, "LAPTOP", LATELY);
    for (int i = 1; i <= 5; i++)
        send(fixture, flood, user, "PHONE", arena_printf(fixture->arena, "[%d]", i));
    send(fixture, user, user, "PHONE", "[mine]");
    for (int i = 1; i <= 3; i++)
        send(fixture, flood, user, "LAPTOP", arena_printf(fixture->arena, "[%d]", i));

    assert_int_equal(to_device_trim(fixture->db, 3), OK);
    assert_string_equal(waiting(fixture, user, "PHONE"), "[1][2][3][mine]");
    assert_string_equal(waiting(fixture, user, "LAPTOP"), "[1][2][3]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_expire_with_the_patience_for_their_device),
        TEST(a_flood_does_not_push_out_what_others_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
