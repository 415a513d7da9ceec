#include "homeserver/base/arena.h"
#include "homeserver/presence/presence.h"
#include "homeserver/presence/presence_users.h"
#include "tests/support/test.h"

static struct presence_users *users;

static int setup(void **state)
{
    (void)state;
    users = presence_users_create();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    presence_users_destroy(users);
    return 0;
}

enum { MINUTE = 60 * 1000, CONNECTED = 10 * 60 * 1000 };

static bool report(const char *device_id, enum presence_state state, int64_t now_ms)
{
    const struct presence_report said = {
        .user_nid = 1, .device_id = device_id, .state = state, .connected_ms = CONNECTED};
    struct presence_view view;

    return presence_users_report(users, &said, now_ms, &view);
}

/* The state after time has passed; -1 when it did not change. */
static int expire(int64_t now_ms)
{
    struct presence_view views[4];

    return presence_users_expire(users, now_ms, views, COUNT_OF(views)) == 1 ? (int)views[0].state
                                                                             : -1;
}

static void only_news_are_reported(void **state)
{
    (void)state;
    assert_true(report("A", PRESENCE_ONLINE, 0));
    assert_false(report("A", PRESENCE_ONLINE, 1000));
    assert_true(report("A", PRESENCE_UNAVAILABLE, 2000));
    assert_true(report("A", PRESENCE_ONLINE, 3000));
    assert_true(report("A", PRESENCE_OFFLINE, 4000));
    assert_false(report("A", PRESENCE_OFFLINE, 5000));
}

static void what_nobody_could_be_told_is_news_once_more(void **state)
{
    (void)state;
    assert_true(report("A", PRESENCE_ONLINE, 0));
    presence_users_untold(users, 1);
    assert_true(report("A", PRESENCE_ONLINE, 1000));
    assert_false(report("A", PRESENCE_ONLINE, 2000));
}

static void the_most_present_device_counts(void **state)
{
    (void)state;
    assert_true(report("A", PRESENCE_UNAVAILABLE, 0));
    assert_true(report("B", PRESENCE_ONLINE, 0));
    assert_false(report("A", PRESENCE_UNAVAILABLE, 1000));
    assert_false(report(NULL, PRESENCE_UNAVAILABLE, 1000));
    assert_true(report("B", PRESENCE_OFFLINE, 2000));
}

static void who_disconnects_goes_offline(void **state)
{
    (void)state;
    report("A", PRESENCE_UNAVAILABLE, 0);
    assert_int_equal(expire(CONNECTED - 1), -1);
    assert_int_equal(expire(CONNECTED), PRESENCE_OFFLINE);
    assert_int_equal(expire(CONNECTED + 1), -1);
    assert_true(report("A", PRESENCE_ONLINE, CONNECTED + 2));
}

static void who_does_nothing_becomes_idle_until_something_is_done(void **state)
{
    (void)state;
    struct presence_view view;

    report("A", PRESENCE_ONLINE, 0);
    assert_int_equal(expire(PRESENCE_IDLE_MS - 1), -1);
    assert_int_equal(expire(PRESENCE_IDLE_MS), PRESENCE_UNAVAILABLE);
    /* A client that goes on syncing does not make its user active. */
    assert_false(report("A", PRESENCE_ONLINE, 6 * MINUTE));
    assert_true(presence_users_active(users, 1, 7 * MINUTE, &view));
    assert_int_equal(view.state, PRESENCE_ONLINE);
    assert_int_equal(view.active_ago_ms, 0);
    assert_false(presence_users_active(users, 1, 8 * MINUTE, &view));
    assert_int_equal(expire(8 * MINUTE + PRESENCE_IDLE_MS), PRESENCE_UNAVAILABLE);
}

static void activity_of_who_is_not_here_is_no_news(void **state)
{
    (void)state;
    struct presence_view view;

    assert_false(presence_users_active(users, 9, 0, &view));
}

static void a_user_has_a_limited_number_of_devices(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();

    for (int i = 0; i < 100; i++)
        report(arena_printf(arena, "DEVICE%0100d", i), PRESENCE_UNAVAILABLE, i);
    for (int i = 0; i < 100; i++)
        report(arena_printf(arena, "%d", i), PRESENCE_UNAVAILABLE, 100 + i);
    assert_true(report("LAST", PRESENCE_ONLINE, 300));
}

static void expiry_comes_in_portions(void **state)
{
    (void)state;
    struct presence_view views[4];
    struct presence_view view;
    size_t count;
    size_t total = 0;

    for (int64_t nid = 1; nid <= 10; nid++) {
        const struct presence_report said = {
            .user_nid = nid, .state = PRESENCE_ONLINE, .connected_ms = 1000};
        presence_users_report(users, &said, 0, &view);
    }
    do {
        count = presence_users_expire(users, 1000, views, COUNT_OF(views));
        total += count;
    } while (count == COUNT_OF(views));
    assert_int_equal(total, 10);
}

static void others_see_what_the_spec_lists(void **state)
{
    (void)state;
    struct presence_row row = {.state = PRESENCE_ONLINE,
                               .status_msg = "hi",
                               .last_active_ts = 400,
                               .currently_active = true};
    json_t *content = presence_content(&row, 1000);
    char *text = json_dumps(content, JSON_COMPACT | JSON_SORT_KEYS);

    assert_string_equal(text, "{\"currently_active\":true,\"last_active_ago\":600,"
                              "\"presence\":\"online\",\"status_msg\":\"hi\"}");
    free(text);
    json_decref(content);
    content = presence_content(&(struct presence_row){0}, 1000);
    text = json_dumps(content, JSON_COMPACT);
    assert_string_equal(text, "{\"presence\":\"offline\"}");
    free(text);
    json_decref(content);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_news_are_reported),
        TEST(what_nobody_could_be_told_is_news_once_more),
        TEST(the_most_present_device_counts),
        TEST(who_disconnects_goes_offline),
        TEST(who_does_nothing_becomes_idle_until_something_is_done),
        TEST(activity_of_who_is_not_here_is_no_news),
        TEST(a_user_has_a_limited_number_of_devices),
        TEST(expiry_comes_in_portions),
        TEST(others_see_what_the_spec_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
