#include <string.h>

#include "homeserver/accounts/requester.h"
#include "homeserver/accounts/uia.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "storage/registration_tokens.h"
#include "tests/support/accounts.h"
#include "tests/support/test.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, accounts_setup, accounts_teardown)

static const struct requester nobody = {0};
static const struct uia_flow dummy_flow = {{"m.login.dummy"}};
static const struct uia_flow password_flow = {{"m.login.password"}};
static const struct uia_flow two_stages = {{"m.login.registration_token", "m.login.dummy"}};

static struct uia_operation operation_of(const struct uia_flow *flow,
                                         const struct requester *requester)
{
    return (struct uia_operation){
        .flows = flow,
        .flow_count = 1,
        .requester = requester,
        .method = "POST",
        .path = "/_matrix/client/v3/something",
        .address = "192.0.2.1",
        .server_name = "test.example",
    };
}

/* `json` with ' for ": readable bodies. */
static json_t *body(struct accounts_fixture *fixture, const char *json)
{
    char *text = arena_strdup(fixture->call.arena, json);
    json_t *parsed;

    for (char *c = text; *c != '\0'; c++) {
        if (*c == '\'')
            *c = '"';
    }
    parsed = json_loads(text, 0, NULL);
    assert_non_null(parsed);
    return json_on_arena(fixture->call.arena, parsed);
}

static struct uia_outcome step(struct accounts_fixture *fixture, struct uia_operation *operation,
                               const char *json)
{
    struct uia_outcome outcome;

    error_clear(&fixture->error);
    operation->body = body(fixture, json);
    assert_int_equal(uia_authorise(&fixture->call, operation, &outcome), OK);
    return outcome;
}

static enum errcode try_step(struct accounts_fixture *fixture, struct uia_operation *operation,
                             const char *json)
{
    struct uia_outcome outcome;

    error_clear(&fixture->error);
    operation->body = body(fixture, json);
    return uia_authorise(&fixture->call, operation, &outcome);
}

/* `%s` becomes the session of the challenge. */
static const char *with_session(struct accounts_fixture *fixture, const struct uia_outcome *last,
                                const char *before, const char *after)
{
    return arena_printf(fixture->call.arena, "%s%s%s", before,
                        json_get_string(last->challenge, "session"), after);
}

static void a_request_without_auth_is_challenged_even_for_a_dummy(void **state)
{
    struct accounts_fixture *fixture = *state;
    struct uia_operation operation = operation_of(&dummy_flow, &nobody);
    struct uia_outcome outcome = step(fixture, &operation, "{'a':1}");
    const char *again;

    assert_non_null(outcome.challenge);
    assert_int_equal(json_array_size(json_get_array(outcome.challenge, "flows")), 1);
    assert_null(json_get_string(outcome.challenge, "errcode"));

    /* Polling changes nothing; the stage does. The body may be left out. */
    again = with_session(fixture, &outcome, "{'auth':{'session':'", "'}}");
    assert_non_null(step(fixture, &operation, again).challenge);
    again = with_session(fixture, &outcome, "{'auth':{'type':'m.login.dummy','session':'", "'}}");
    outcome = step(fixture, &operation, again);
    assert_null(outcome.challenge);
    assert_int_equal(json_integer_value(json_object_get(outcome.body, "a")), 1);
}

static void a_client_that_knows_its_way_needs_no_session(void **state)
{
    struct accounts_fixture *fixture = *state;
    struct uia_operation operation = operation_of(&dummy_flow, &nobody);
    struct uia_outcome outcome =
        step(fixture, &operation, "{'a':1,'auth':{'type':'m.login.dummy'}}");

    assert_null(outcome.challenge);
    assert_null(json_object_get(outcome.body, "auth"));
}

static void a_wrong_password_is_a_challenge_that_says_so(void **state)
{
    struct accounts_fixture *fixture = *state;
    struct requester anna = {.user_id = "@anna:test.example", .device_id = "PHONE"};
    struct uia_operation operation = operation_of(&password_flow, &anna);
    struct uia_outcome outcome;

    anna.user_nid = test_account(fixture, "@anna:test.example", "password");
    outcome = step(fixture, &operation,
                   "{'auth':{'type':'m.login.password','user':'anna','password':'wrong'}}");
    assert_string_equal(json_get_string(outcome.challenge, "errcode"), "M_FORBIDDEN");
    outcome = step(fixture, &operation,
                   with_session(fixture, &outcome,
                                "{'auth':{'type':'m.login.password','user':'anna',"
                                "'password':'password','session':'",
                                "'}}"));
    assert_null(outcome.challenge);
    assert_int_equal(uia_finish(&fixture->call, &outcome), OK);
    assert_int_equal(test_sql_int(fixture->call.db, "SELECT count(*) FROM uia_sessions"), 0);
}

static void the_password_of_another_account_proves_nothing(void **state)
{
    struct accounts_fixture *fixture = *state;
    struct requester anna = {.user_id = "@anna:test.example", .device_id = "PHONE"};
    struct uia_operation operation = operation_of(&password_flow, &anna);

    anna.user_nid = test_account(fixture, "@anna:test.example", "password");
    test_account(fixture, "@ben:test.example", "of ben…");
    assert_int_equal(
        try_step(fixture, &operation,
                 "{'auth':{'type':'m.login.password','user':'ben','password':'of ben…'}}"),
        M_FORBIDDEN);
}

static void a_session_serves_its_user_device_path_method_and_body_only(void **state)
{
    struct accounts_fixture *fixture = *state;
    struct requester anna = {.user_id = "@anna:test.example", .device_id = "PHONE"};
    struct requester tablet = anna;
    struct uia_operation operation = operation_of(&two_stages, &anna);
    struct uia_operation other = operation;
    const struct registration_token token = {.token = "t", .uses_allowed = -1};
    struct uia_outcome outcome;
    const char *dummy;

    anna.user_nid = tablet.user_nid = test_account(fixture, "@anna:test.example", "password");
    tablet.device_id = "TABLET";
    assert_int_equal(registration_token_insert(fixture->call.db, &token, 1), OK);
    outcome = step(fixture, &operation,
                   "{'a':1,'auth':{'type':'m.login.registration_token','token':'t'}}");
    assert_int_equal(json_array_size(json_get_array(outcome.challenge, "completed")), 1);

    dummy = with_session(fixture, &outcome, "{'auth':{'type':'m.login.dummy','session':'", "'}}");
    other.path = "/_matrix/client/v3/else";
    assert_int_equal(try_step(fixture, &other, dummy), M_FORBIDDEN);
    other = operation;
    other.method = "DELETE";
    assert_int_equal(try_step(fixture, &other, dummy), M_FORBIDDEN);
    other = operation;
    other.requester = &nobody;
    assert_int_equal(try_step(fixture, &other, dummy), M_FORBIDDEN);
    other.requester = &tablet;
    assert_int_equal(try_step(fixture, &other, dummy), M_FORBIDDEN);
    assert_int_equal(
        try_step(fixture, &operation,
                 with_session(fixture, &outcome,
                              "{'a':2,'auth':{'type':'m.login.dummy','session':'", "'}}")),
        M_FORBIDDEN);
    assert_null(step(fixture, &operation, dummy).challenge);
}

static void stages_come_in_their_order(void **state)
{
    struct accounts_fixture *fixture = *state;
    struct uia_operation operation = operation_of(&two_stages, &nobody);
    struct uia_outcome outcome = step(fixture, &operation, "{'auth':{'type':'m.login.dummy'}}");

    assert_string_equal(json_get_string(outcome.challenge, "errcode"), "M_INVALID_PARAM");
    assert_int_equal(json_array_size(json_get_array(outcome.challenge, "completed")), 0);
    outcome =
        step(fixture, &operation, "{'auth':{'type':'m.login.registration_token','token':'no'}}");
    assert_string_equal(json_get_string(outcome.challenge, "errcode"), "M_UNAUTHORIZED");
}

static void an_unknown_session_begins_a_new_one(void **state)
{
    struct accounts_fixture *fixture = *state;
    struct uia_operation operation = operation_of(&dummy_flow, &nobody);
    struct uia_outcome outcome =
        step(fixture, &operation, "{'auth':{'type':'m.login.dummy','session':'gone'}}");

    assert_string_equal(json_get_string(outcome.challenge, "errcode"), "M_UNKNOWN");
    assert_string_not_equal(json_get_string(outcome.challenge, "session"), "gone");
}

static void a_new_password_is_kept_as_a_hash_only(void **state)
{
    struct accounts_fixture *fixture = *state;
    struct uia_operation operation = operation_of(&dummy_flow, &nobody);
    struct uia_outcome outcome;

    operation.secret_member = "password";
    outcome = step(fixture, &operation, "{'password':'in clear text'}");
    assert_int_equal(test_sql_int(fixture->call.db, "SELECT count(*) FROM uia_sessions "
                                                    " WHERE body LIKE '%clear%' "
                                                    "    OR proofs LIKE '%clear%'"),
                     0);
    outcome =
        step(fixture, &operation,
             with_session(fixture, &outcome, "{'auth':{'type':'m.login.dummy','session':'", "'}}"));
    assert_memory_equal(json_get_string(outcome.proofs, UIA_PROOF_SECRET_HASH), "$argon2id$", 10);
}

static void the_sessions_of_a_user_are_limited(void **state)
{
    struct accounts_fixture *fixture = *state;
    struct requester anna = {.user_id = "@anna:test.example", .device_id = "PHONE"};
    struct uia_operation operation = operation_of(&password_flow, &anna);

    anna.user_nid = test_account(fixture, "@anna:test.example", "password");
    for (int i = 0; i < 40; i++)
        step(fixture, &operation, "{}");
    assert_int_equal(test_sql_int(fixture->call.db, "SELECT count(*) FROM uia_sessions"), 20);
}

static void a_stage_may_be_done_on_a_page(void **state)
{
    struct accounts_fixture *fixture = *state;
    struct uia_operation operation = operation_of(&dummy_flow, &nobody);
    struct uia_outcome outcome = step(fixture, &operation, "{'a':1}");
    const char *session_id = json_get_string(outcome.challenge, "session");
    const json_t *auth = body(fixture, "{'type':'m.login.dummy'}");

    assert_int_equal(uia_complete_on_page(&fixture->call, "gone", "192.0.2.1", auth), M_NOT_FOUND);
    assert_int_equal(uia_complete_on_page(&fixture->call, session_id, "192.0.2.1", auth), OK);
    outcome =
        step(fixture, &operation, with_session(fixture, &outcome, "{'auth':{'session':'", "'}}"));
    assert_null(outcome.challenge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_without_auth_is_challenged_even_for_a_dummy),
        TEST(a_client_that_knows_its_way_needs_no_session),
        TEST(a_wrong_password_is_a_challenge_that_says_so),
        TEST(the_password_of_another_account_proves_nothing),
        TEST(a_session_serves_its_user_device_path_method_and_body_only),
        TEST(stages_come_in_their_order),
        TEST(an_unknown_session_begins_a_new_one),
        TEST(a_new_password_is_kept_as_a_hash_only),
        TEST(the_sessions_of_a_user_are_limited),
        TEST(a_stage_may_be_done_on_a_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
