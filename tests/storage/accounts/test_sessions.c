#include <string.h>

#include "homeserver/accounts/authenticate.h"
#include "homeserver/accounts/deactivation.h"
#include "homeserver/accounts/moderation.h"
#include "homeserver/accounts/sessions.h"
#include "homeserver/base/arena.h"
#include "storage/devices.h"
#include "tests/support/accounts.h"
#include "tests/support/test.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, accounts_setup, accounts_teardown)

static struct session log_in(struct accounts_fixture *fixture, int64_t user_nid,
                             const char *device_id, bool with_refresh_token)
{
    const struct session_draft draft = {
        .user_nid = user_nid,
        .device_id = device_id,
        .display_name = "a telephone",
        .wants_refresh_token = with_refresh_token,
    };
    struct session session;

    assert_int_equal(session_start(&fixture->call, &draft, &session), OK);
    return session;
}

static enum errcode authenticate(struct accounts_fixture *fixture, const char *token)
{
    struct requester requester;

    error_clear(&fixture->error);
    return authenticate_token(&fixture->call, token, NULL, NULL, &requester);
}

static bool is_soft_logout(const struct accounts_fixture *fixture)
{
    return strstr(fixture->error.fields, "\"soft_logout\":true") != NULL;
}

static void a_token_tells_who_shows_it(void **state)
{
    struct accounts_fixture *fixture = *state;
    int64_t user_nid = test_account(fixture, "@anna:test.example", "password");
    struct session session = log_in(fixture, user_nid, NULL, false);
    struct requester requester;

    assert_null(session.refresh_token);
    assert_int_equal(session.expires_in_ms, 0);
    for (int i = 0; i < 2; i++) { /* from the database, then from the cache */
        assert_int_equal(
            authenticate_token(&fixture->call, session.access_token, NULL, NULL, &requester), OK);
        assert_string_equal(requester.user_id, "@anna:test.example");
        assert_string_equal(requester.device_id, session.device_id);
        assert_string_equal(requester.server_name, "test.example");
        assert_int_equal(requester.user_nid, user_nid);
    }
    assert_int_equal(authenticate(fixture, "bfa_unknown"), M_UNKNOWN_TOKEN);
    assert_false(is_soft_logout(fixture));
}

static void logging_in_again_on_a_device_ends_its_old_token_and_keeps_its_name(void **state)
{
    struct accounts_fixture *fixture = *state;
    int64_t user_nid = test_account(fixture, "@anna:test.example", "password");
    struct session first = log_in(fixture, user_nid, "PHONE", false);
    const struct session_draft again = {
        .user_nid = user_nid, .device_id = "PHONE", .display_name = "another name"};
    struct session second;
    struct device device;

    assert_int_equal(authenticate(fixture, first.access_token), OK);
    assert_int_equal(session_start(&fixture->call, &again, &second), OK);
    assert_int_equal(authenticate(fixture, first.access_token), M_UNKNOWN_TOKEN);
    assert_int_equal(authenticate(fixture, second.access_token), OK);
    assert_int_equal(device_load(fixture->call.db, fixture->call.arena, user_nid, "PHONE", &device),
                     OK);
    assert_string_equal(device.display_name, "a telephone");
}

static void an_ended_session_is_dead_at_once_and_only_that_one(void **state)
{
    struct accounts_fixture *fixture = *state;
    int64_t user_nid = test_account(fixture, "@anna:test.example", "password");
    struct session phone = log_in(fixture, user_nid, "PHONE", true);
    struct session tablet = log_in(fixture, user_nid, "TABLET", false);
    struct session out;

    assert_int_equal(authenticate(fixture, phone.access_token), OK);
    assert_int_equal(session_end_device(&fixture->call, user_nid, "PHONE"), OK);
    assert_int_equal(authenticate(fixture, phone.access_token), M_UNKNOWN_TOKEN);
    assert_int_equal(session_refresh(&fixture->call, phone.refresh_token, &out), M_UNKNOWN_TOKEN);
    assert_int_equal(authenticate(fixture, tablet.access_token), OK);
}

static void all_sessions_but_one_end_together(void **state)
{
    struct accounts_fixture *fixture = *state;
    int64_t user_nid = test_account(fixture, "@anna:test.example", "password");
    struct session phone = log_in(fixture, user_nid, "PHONE", false);
    struct session tablet = log_in(fixture, user_nid, "TABLET", false);

    assert_int_equal(session_end_all(&fixture->call, user_nid, "TABLET"), OK);
    assert_int_equal(authenticate(fixture, phone.access_token), M_UNKNOWN_TOKEN);
    assert_int_equal(authenticate(fixture, tablet.access_token), OK);
}

static void an_old_refresh_token_works_until_the_new_one_is_used(void **state)
{
    struct accounts_fixture *fixture = *state;
    int64_t user_nid = test_account(fixture, "@anna:test.example", "password");
    struct session first = log_in(fixture, user_nid, "PHONE", true);
    struct session lost, second;

    assert_int_equal(session_refresh(&fixture->call, first.refresh_token, &lost), OK);
    assert_int_equal(authenticate(fixture, first.access_token), OK);
    assert_int_equal(session_refresh(&fixture->call, first.refresh_token, &second), OK);
    /* One chain: what the lost answer held is no way in. */
    assert_int_equal(authenticate(fixture, lost.access_token), M_UNKNOWN_TOKEN);
    /* The first use of the new token ends the old ones. */
    assert_int_equal(authenticate(fixture, second.access_token), OK);
    assert_int_equal(authenticate(fixture, first.access_token), M_UNKNOWN_TOKEN);
    assert_int_equal(authenticate(fixture, second.access_token), OK);
}

static void a_replayed_refresh_token_ends_every_token_of_the_device(void **state)
{
    struct accounts_fixture *fixture = *state;
    int64_t user_nid = test_account(fixture, "@anna:test.example", "password");
    struct session first = log_in(fixture, user_nid, "PHONE", true);
    struct session tablet = log_in(fixture, user_nid, "TABLET", false);
    struct session second, third, out;

    assert_int_equal(session_refresh(&fixture->call, first.refresh_token, &second), OK);
    assert_int_equal(session_refresh(&fixture->call, second.refresh_token, &third), OK);
    assert_int_equal(authenticate(fixture, third.access_token), OK);
    error_clear(&fixture->error);
    assert_int_equal(session_refresh(&fixture->call, first.refresh_token, &out), M_UNKNOWN_TOKEN);
    assert_true(is_soft_logout(fixture));
    assert_int_equal(authenticate(fixture, third.access_token), M_UNKNOWN_TOKEN);
    assert_int_equal(session_refresh(&fixture->call, third.refresh_token, &out), M_UNKNOWN_TOKEN);
    assert_int_equal(authenticate(fixture, tablet.access_token), OK);
}

static void expired_tokens_are_a_soft_logout(void **state)
{
    struct accounts_fixture *fixture = *state;
    int64_t user_nid = test_account(fixture, "@anna:test.example", "password");
    struct session session = log_in(fixture, user_nid, "PHONE", true);
    struct session out;

    test_sql(fixture->call.db, "UPDATE access_tokens SET expires_ts = 1; "
                               "UPDATE refresh_tokens SET expires_ts = 1");
    assert_int_equal(authenticate(fixture, session.access_token), M_UNKNOWN_TOKEN);
    assert_true(is_soft_logout(fixture));
    error_clear(&fixture->error);
    assert_int_equal(session_refresh(&fixture->call, session.refresh_token, &out), M_UNKNOWN_TOKEN);
    assert_true(is_soft_logout(fixture));
}

static void a_locked_account_is_known_at_once_and_can_not_refresh(void **state)
{
    struct accounts_fixture *fixture = *state;
    int64_t user_nid = test_account(fixture, "@anna:test.example", "password");
    struct session session = log_in(fixture, user_nid, "PHONE", true);
    struct requester requester;
    struct session out;

    assert_int_equal(authenticate(fixture, session.access_token), OK);
    assert_int_equal(account_lock(&fixture->call, user_nid, true), OK);
    assert_int_equal(
        authenticate_token(&fixture->call, session.access_token, NULL, NULL, &requester), OK);
    assert_true(requester.is_locked);
    assert_int_equal(session_refresh(&fixture->call, session.refresh_token, &out), M_USER_LOCKED);
    assert_int_equal(account_lock(&fixture->call, user_nid, false), OK);
    assert_int_equal(session_refresh(&fixture->call, session.refresh_token, &out), OK);
}

static void deactivation_ends_all_sessions(void **state)
{
    struct accounts_fixture *fixture = *state;
    int64_t user_nid = test_account(fixture, "@anna:test.example", "password");
    struct session session = log_in(fixture, user_nid, "PHONE", true);
    struct session out;

    assert_int_equal(account_end(&fixture->call, user_nid, false), OK);
    assert_int_equal(authenticate(fixture, session.access_token), M_UNKNOWN_TOKEN);
    assert_int_equal(session_refresh(&fixture->call, session.refresh_token, &out), M_UNKNOWN_TOKEN);
    assert_int_equal(test_sql_int(fixture->call.db, "SELECT count(*) FROM devices"), 0);
}

static void the_use_of_a_device_is_noted_once_a_minute(void **state)
{
    struct accounts_fixture *fixture = *state;
    int64_t user_nid = test_account(fixture, "@anna:test.example", "password");
    struct session session = log_in(fixture, user_nid, "PHONE", false);
    struct requester requester;
    struct device device;

    assert_int_equal(
        authenticate_token(&fixture->call, session.access_token, NULL, NULL, &requester), OK);
    authenticate_note_use(&fixture->call, &requester, "192.0.2.1", "Telephone/1.0");
    authenticate_note_use(&fixture->call, &requester, "192.0.2.2", NULL);
    assert_int_equal(device_load(fixture->call.db, fixture->call.arena, user_nid, "PHONE", &device),
                     OK);
    assert_string_equal(device.last_seen_address, "192.0.2.1");
    assert_string_equal(device.last_seen_user_agent, "Telephone/1.0");
    assert_true(device.last_seen_ts > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_tells_who_shows_it),
        TEST(logging_in_again_on_a_device_ends_its_old_token_and_keeps_its_name),
        TEST(an_ended_session_is_dead_at_once_and_only_that_one),
        TEST(all_sessions_but_one_end_together),
        TEST(an_old_refresh_token_works_until_the_new_one_is_used),
        TEST(a_replayed_refresh_token_ends_every_token_of_the_device),
        TEST(expired_tokens_are_a_soft_logout),
        TEST(a_locked_account_is_known_at_once_and_can_not_refresh),
        TEST(deactivation_ends_all_sessions),
        TEST(the_use_of_a_device_is_noted_once_a_minute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
