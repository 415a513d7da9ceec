#include <crypt.h>
#include <string.h>

#include "homeserver/accounts/login_identifier.h"
#include "homeserver/accounts/login_password.h"
#include "homeserver/accounts/password_hash.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "storage/accounts.h"
#include "storage/threepids.h"
#include "tests/support/accounts.h"
#include "tests/support/test.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, accounts_setup, accounts_teardown)

static enum errcode log_in(struct accounts_fixture *fixture, const char *user_id,
                           const char *password, const char *address)
{
    const struct account *account;

    error_clear(&fixture->error);
    return login_check_password(&fixture->call, user_id, password, address, &account);
}

static void the_right_password_opens_the_account(void **state)
{
    struct accounts_fixture *fixture = *state;

    test_account(fixture, "@anna:test.example", "pässword");
    assert_int_equal(log_in(fixture, "@anna:test.example", "pässword", "192.0.2.1"), OK);
    assert_int_equal(log_in(fixture, "@Anna:test.example", "pässword", "192.0.2.1"), OK);
    /* The same letters as other code points. */
    assert_int_equal(log_in(fixture, "@anna:test.example", "pa\xcc\x88ssword", "192.0.2.1"), OK);
}

static void nobody_learns_whether_the_account_exists(void **state)
{
    struct accounts_fixture *fixture = *state;
    char text[ERROR_TEXT_BYTES];

    test_account(fixture, "@anna:test.example", "password");
    assert_int_equal(log_in(fixture, "@anna:test.example", "wrong", "192.0.2.1"), M_FORBIDDEN);
    memcpy(text, fixture->error.text, sizeof(text));
    assert_int_equal(log_in(fixture, "@nobody:test.example", "wrong", "192.0.2.1"), M_FORBIDDEN);
    assert_string_equal(fixture->error.text, text);
}

static void an_account_without_password_is_closed_to_every_password(void **state)
{
    struct accounts_fixture *fixture = *state;
    int64_t user_nid = test_account(fixture, "@anna:test.example", "password");

    assert_int_equal(account_set_password(fixture->call.db, user_nid, NULL), OK);
    assert_int_equal(log_in(fixture, "@anna:test.example", "", "192.0.2.1"), M_FORBIDDEN);
    assert_int_equal(log_in(fixture, "@anna:test.example", "password", "192.0.2.2"), M_FORBIDDEN);
}

static void an_imported_bcrypt_hash_is_accepted_and_replaced(void **state)
{
    struct accounts_fixture *fixture = *state;
    int64_t user_nid = test_account(fixture, "@anna:test.example", "unused");
    struct crypt_data *scratch = arena_alloc(fixture->call.arena, sizeof(*scratch));
    const struct account *account;
    char salt[CRYPT_GENSALT_OUTPUT_SIZE];

    assert_non_null(crypt_gensalt_rn("$2b$", 4, NULL, 0, salt, sizeof(salt)));
    assert_int_equal(
        account_set_password(fixture->call.db, user_nid, crypt_r("imported", salt, scratch)), OK);
    assert_int_equal(log_in(fixture, "@anna:test.example", "wrong", "192.0.2.1"), M_FORBIDDEN);
    assert_int_equal(log_in(fixture, "@anna:test.example", "imported", "192.0.2.1"), OK);
    assert_int_equal(account_load_by_nid(fixture->call.db, fixture->call.arena, user_nid, &account),
                     OK);
    assert_memory_equal(account->password_hash, "$argon2id$", strlen("$argon2id$"));
    assert_int_equal(log_in(fixture, "@anna:test.example", "imported", "192.0.2.1"), OK);
}

static void after_too_many_failures_even_the_right_password_waits(void **state)
{
    struct accounts_fixture *fixture = *state;

    test_account(fixture, "@anna:test.example", "password");
    test_account(fixture, "@ben:test.example", "password");
    assert_int_equal(log_in(fixture, "@anna:test.example", "1", "192.0.2.1"), M_FORBIDDEN);
    assert_int_equal(log_in(fixture, "@ANNA:test.example", "2", "192.0.2.2"), M_FORBIDDEN);
    assert_int_equal(log_in(fixture, "@anna:test.example", "3", "192.0.2.3"), M_FORBIDDEN);
    assert_int_equal(log_in(fixture, "@anna:test.example", "password", "192.0.2.4"),
                     M_LIMIT_EXCEEDED);
    assert_non_null(strstr(fixture->error.fields, "\"retry_after_ms\":"));
    assert_int_equal(log_in(fixture, "@ben:test.example", "password", "192.0.2.4"), OK);
}

static void an_ipv6_network_is_one_address(void **state)
{
    struct accounts_fixture *fixture = *state;

    test_account(fixture, "@ben:test.example", "password");
    assert_int_equal(log_in(fixture, "@a:test.example", "1", "2001:db8::1"), M_FORBIDDEN);
    assert_int_equal(log_in(fixture, "@b:test.example", "1", "2001:db8::2"), M_FORBIDDEN);
    assert_int_equal(log_in(fixture, "@c:test.example", "1", "2001:db8::3"), M_FORBIDDEN);
    assert_int_equal(log_in(fixture, "@ben:test.example", "password", "2001:db8::4"),
                     M_LIMIT_EXCEEDED);
    assert_int_equal(log_in(fixture, "@ben:test.example", "password", "2001:db8:0:1::4"), OK);
}

static void a_password_of_a_megabyte_is_refused(void **state)
{
    struct accounts_fixture *fixture = *state;
    size_t size = 1 << 20;
    char *password = arena_alloc(fixture->call.arena, size + 1);

    memset(password, 'x', size);
    assert_int_equal(log_in(fixture, "@anna:test.example", password, "192.0.2.1"), M_INVALID_PARAM);
    assert_int_equal(password_check_new(&fixture->call, password), M_INVALID_PARAM);
    assert_int_equal(password_check_new(&fixture->call, "sévèr"), M_WEAK_PASSWORD);
    assert_int_equal(password_check_new(&fixture->call, "sévère…!"), OK);
}

static void identifiers_of_every_form_name_the_account(void **state)
{
    struct accounts_fixture *fixture = *state;
    const struct threepid mail = {.medium = "email", .address = "anna@mail.example"};
    const struct threepid phone = {.medium = "msisdn", .address = "33123456789"};
    int64_t user_nid = test_account(fixture, "@anna:test.example", "password");
    static const struct {
        const char *json;
        const char *user_id;
    } cases[] = {
        {"{\"identifier\":{\"type\":\"m.id.user\",\"user\":\"anna\"}}", "@anna:test.example"},
        {"{\"identifier\":{\"type\":\"m.id.user\",\"user\":\"@ben:other.example\"}}",
         "@ben:other.example"},
        {"{\"user\":\"anna\"}", "@anna:test.example"},
        {"{\"identifier\":{\"type\":\"m.id.thirdparty\",\"medium\":\"email\","
         "\"address\":\"Anna@Mail.example\"}}",
         "@anna:test.example"},
        {"{\"medium\":\"email\",\"address\":\"anna@mail.example\"}", "@anna:test.example"},
        {"{\"medium\":\"email\",\"address\":\"nobody@mail.example\"}", ""},
        {"{\"identifier\":{\"type\":\"m.id.phone\",\"country\":\"FR\",\"phone\":\"+33 1 23 45 67 "
         "89\"}}",
         "@anna:test.example"},
    };
    const char *user_id;
    json_t *json;

    assert_int_equal(threepid_insert(fixture->call.db, user_nid, &mail), OK);
    assert_int_equal(threepid_insert(fixture->call.db, user_nid, &phone), OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json = json_on_arena(fixture->call.arena, json_loads(cases[i].json, 0, NULL));
        assert_int_equal(login_identifier_resolve(&fixture->call, "test.example", json, &user_id),
                         OK);
        assert_string_equal(user_id, cases[i].user_id);
    }
    json = json_on_arena(fixture->call.arena, json_pack("{}"));
    assert_int_equal(login_identifier_resolve(&fixture->call, "test.example", json, &user_id),
                     M_MISSING_PARAM);
    json = json_on_arena(fixture->call.arena, json_pack("{s:{s:s}}", "identifier", "type", "x"));
    assert_int_equal(login_identifier_resolve(&fixture->call, "test.example", json, &user_id),
                     M_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_right_password_opens_the_account),
        TEST(nobody_learns_whether_the_account_exists),
        TEST(an_account_without_password_is_closed_to_every_password),
        TEST(an_imported_bcrypt_hash_is_accepted_and_replaced),
        TEST(after_too_many_failures_even_the_right_password_waits),
        TEST(an_ipv6_network_is_one_address),
        TEST(a_password_of_a_megabyte_is_refused),
        TEST(identifiers_of_every_form_name_the_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
