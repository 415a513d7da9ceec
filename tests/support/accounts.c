/* Services and a call for tests of homeserver/accounts. */
#include "tests/support/accounts.h"

#include "config/config.h"
#include "config/config_load.h"
#include "config/config_report.h"
#include "homeserver/accounts/login_throttle.h"
#include "homeserver/accounts/password_hash.h"
#include "homeserver/accounts/registration.h"
#include "homeserver/accounts/token_cache.h"
#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "tests/support/test.h"

enum { HASHES_WAITING_MAX = 4 };

static const char *const settings[] = {
    "domains.0.name=test.example",   "data_directory=/tmp",
    "passwords.argon2_iterations=1", "passwords.argon2_memory_kib=8192",
    "registration.mode=open",        "rate_limits.login.per_second=0.001",
    "rate_limits.login.burst=3",     NULL,
};

static struct config_holder *load_config(struct arena *arena)
{
    const struct config_source source = {.settings = settings};
    struct config_report *report = config_report_create(arena);
    const struct config *config;

    if (config_load(&source, report, &config) != OK)
        fail_msg("%s", config_report_text(report, NULL));
    return config_holder_create(config);
}

int accounts_setup(void **state)
{
    struct accounts_fixture *fixture = calloc(1, sizeof(*fixture));
    void *journal = NULL;

    assert_non_null(fixture);
    assert_int_equal(journal_setup(&journal), 0);
    fixture->journal = journal;
    fixture->services = (struct services){
        .config = load_config(fixture->journal->arena),
        .journal = fixture->journal->journal,
        .passwords = password_hasher_create(HASHES_WAITING_MAX),
        .token_cache = token_cache_create(),
        .login_throttle = login_throttle_create(),
    };
    fixture->call = (struct call){
        .services = &fixture->services,
        .db = fixture->journal->db,
        .arena = fixture->journal->arena,
        .error = &fixture->error,
        .commits = commit_group_create(),
    };
    *state = fixture;
    return 0;
}

int accounts_teardown(void **state)
{
    struct accounts_fixture *fixture = *state;
    void *journal = fixture->journal;

    commit_group_release(fixture->call.commits);
    login_throttle_destroy(fixture->services.login_throttle);
    token_cache_destroy(fixture->services.token_cache);
    password_hasher_destroy(fixture->services.passwords);
    config_holder_destroy(fixture->services.config);
    free(fixture);
    return journal_teardown(&journal);
}

int64_t test_account(struct accounts_fixture *fixture, const char *user_id, const char *password)
{
    struct registration registration = {.user_id = user_id};
    int64_t user_nid;

    assert_int_equal(password_hash(&fixture->call, password, &registration.password_hash), OK);
    assert_int_equal(registration_create(&fixture->call, &registration, &user_nid), OK);
    return user_nid;
}
