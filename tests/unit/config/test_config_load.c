/* Every class of mistake has a test on its message: that is what an administrator sees. */
#include <fcntl.h>
#include <unistd.h>

#include "config/config.h"
#include "config/config_load.h"
#include "config/config_report.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "tests/support/test.h"

#define DOMAIN "domains:\n  - name: example.org\n"

/* One configuration file in a temporary folder. */
struct fixture {
    struct arena *arena;
    struct config_report *report;
    const struct config *config;
    char folder[64];
    const char *path;
    const char *report_text;
};

static void fixture_finish(struct fixture *fixture)
{
    config_free(fixture->config);
    if (fixture->path != NULL)
        unlink(fixture->path);
    rmdir(fixture->folder);
    arena_destroy(fixture->arena);
}

static void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){.arena = arena_create()};
    fixture->report = config_report_create(fixture->arena);
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/beffroi-config-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
}

static enum errcode load(struct fixture *fixture, const char *yaml, const char *const *environment,
                         const char *const *settings)
{
    struct config_source source = {.environment = environment, .settings = settings};

    fixture->path = arena_printf(fixture->arena, "%s/beffroi.yaml", fixture->folder);
    FILE *file = fopen(fixture->path, "we");
    assert_non_null(file);
    fputs(yaml, file);
    fclose(file);
    source.path = fixture->path;
    enum errcode code = config_load(&source, fixture->report, &fixture->config);
    fixture->report_text = config_report_text(fixture->report, NULL);
    return code;
}

static void assert_message(const char *yaml, const char *const *environment, const char *message)
{
    SCOPED(fixture_finish) struct fixture fixture;

    fixture_init(&fixture);
    assert_int_equal(load(&fixture, yaml, environment, NULL), M_INVALID_PARAM);
    if (strstr(fixture.report_text, message) == NULL)
        fail_msg("expected \"%s\" in:\n%s", message, fixture.report_text);
}

static void defaults_make_a_safe_server(void **state)
{
    (void)state;
    SCOPED(fixture_finish) struct fixture fixture;

    fixture_init(&fixture);
    assert_int_equal(load(&fixture, DOMAIN, NULL, NULL), OK);
    const struct config *config = fixture.config;
    assert_int_equal(config->domain_count, 1);
    assert_string_equal(config->domains[0].name, "example.org");
    assert_string_equal(config->domains[0].signing_key_file,
                        "/var/lib/beffroi/signing-example.org.key");
    assert_int_equal(config->listener_count, 3);
    assert_string_equal(config->listeners[0].address, "127.0.0.1:8008");
    assert_true(config->listeners[1].tls_self_signed);
    assert_string_equal(config->listeners[1].tls_certificate, "/var/lib/beffroi/self-signed.crt");
    assert_int_equal(config->registration.mode, REGISTRATION_CLOSED);
    assert_false(config->registration.guests);
    assert_true(config->rate_limits.enabled);
    assert_int_equal(config->rate_limits.message.burst, 50);
    assert_false(config->federation.allow_private_addresses);
    assert_int_equal(config->media.upload_limit_bytes, 50 << 20);
    assert_int_equal(config->turn.ttl_seconds, 86400);
    assert_string_equal(config->rooms.default_version, "12");
    assert_string_equal(config->media.directory, "/var/lib/beffroi/media");
}

static void a_section_given_in_part_keeps_its_other_defaults(void **state)
{
    (void)state;
    SCOPED(fixture_finish) struct fixture fixture;

    fixture_init(&fixture);
    assert_int_equal(load(&fixture,
                          DOMAIN "rate_limits:\n  message: {burst: 3}\n"
                                 "listeners:\n  - address: \"[::]:8008\"\n",
                          NULL, NULL),
                     OK);
    assert_int_equal(fixture.config->rate_limits.message.burst, 3);
    assert_true(fixture.config->rate_limits.message.per_second > 4.9);
    assert_int_equal(fixture.config->listener_count, 1);
    assert_int_equal(fixture.config->listeners[0].apis, API_CLIENT | API_FEDERATION);
}

static void relative_paths_start_at_the_folder_of_the_file(void **state)
{
    (void)state;
    SCOPED(fixture_finish) struct fixture fixture;

    fixture_init(&fixture);
    assert_int_equal(load(&fixture, DOMAIN "data_directory: data\n", NULL, NULL), OK);
    assert_string_equal(fixture.config->data_directory,
                        arena_printf(fixture.arena, "%s/data", fixture.folder));
}

static void sizes_and_times_take_units(void **state)
{
    (void)state;
    SCOPED(fixture_finish) struct fixture fixture;

    fixture_init(&fixture);
    assert_int_equal(load(&fixture,
                          DOMAIN "media: {upload_limit_bytes: 2 GiB}\n"
                                 "turn: {ttl_seconds: 2d}\n",
                          NULL, NULL),
                     OK);
    assert_int_equal(fixture.config->media.upload_limit_bytes, INT64_C(2) << 30);
    assert_int_equal(fixture.config->turn.ttl_seconds, 172800);
}

static void environment_variables_override_any_key(void **state)
{
    (void)state;
    SCOPED(fixture_finish) struct fixture fixture;
    static const char *const environment[] = {
        "PATH=/bin",
        "BEFFROI__registration__mode=open",
        "BEFFROI__LISTENERS__0__ADDRESS=0.0.0.0:80",
        "BEFFROI__domains__1__name=second.example.org",
        "BEFFROI__federation__allow=*.example.org, example.net",
        "BEFFROI__federation__deny=[\"*.bad.org\"]",
        "BEFFROI__rate_limits__login={per_second: 9, burst: 9}",
        NULL,
    };

    fixture_init(&fixture);
    assert_int_equal(load(&fixture, DOMAIN, environment, NULL), OK);
    const struct config *config = fixture.config;
    assert_int_equal(config->registration.mode, REGISTRATION_OPEN);
    assert_string_equal(config->listeners[0].address, "0.0.0.0:80");
    assert_int_equal(config->listener_count, 3);
    assert_string_equal(config->domains[1].name, "second.example.org");
    assert_int_equal(config->federation.allow_count, 2);
    assert_string_equal(config->federation.allow[1], "example.net");
    assert_string_equal(config->federation.deny[0], "*.bad.org");
    assert_int_equal(config->rate_limits.login.burst, 9);
}

static void settings_override_the_environment(void **state)
{
    (void)state;
    SCOPED(fixture_finish) struct fixture fixture;
    static const char *const environment[] = {"BEFFROI__log__level=warn", NULL};
    static const char *const settings[] = {"log.level=debug", NULL};

    fixture_init(&fixture);
    assert_int_equal(load(&fixture, DOMAIN, environment, settings), OK);
    assert_string_equal(fixture.config->log.level, "debug");
}

static void an_empty_override_unsets_a_key(void **state)
{
    (void)state;
    SCOPED(fixture_finish) struct fixture fixture;
    static const char *const environment[] = {"BEFFROI__log__level=", NULL};

    fixture_init(&fixture);
    assert_int_equal(load(&fixture, DOMAIN "log: {level: error}\n", environment, NULL), OK);
    assert_string_equal(fixture.config->log.level, "info");
}

static void every_mistake_is_named_with_its_line(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *yaml, *message; } cases[] = {
        {"log: {level: info}\n", "domains: the configuration needs this setting, such as"},
        {"domains: []\n", "line 1: domains: name at least one domain"},
        {"domains:\n  - signing_key_file: a\n", "line 2: domains.0.name: a domain needs this setting"},
        {DOMAIN "registraton: {}\n", "line 3: registraton: there is no such setting. Did you mean \"registration\"?"},
        {DOMAIN "quux: 1\n", "line 3: quux: there is no such setting in the configuration"},
        {DOMAIN "log:\n  levvel: info\n", "line 4: log.levvel: there is no such setting. Did you mean \"level\"?"},
        {DOMAIN "log: {level: inof}\n", "line 3: log.level: \"inof\" is not one of: debug, info, warn, error. Did you mean \"info\"?"},
        {DOMAIN "registration:\n  mode: public\n", "line 4: registration.mode: \"public\" is not one of: closed, token, open"},
        {DOMAIN "registration: {guests: maybe}\n", "line 3: registration.guests: \"maybe\" is not true or false"},
        {DOMAIN "passwords: {length_min: many}\n", "line 3: passwords.length_min: \"many\" is not a whole number"},
        {DOMAIN "passwords: {length_min: 9999}\n", "passwords.length_min: 9999 is out of range: it must be 1 to 512"},
        {DOMAIN "media: {upload_limit_bytes: 5 apples}\n", "\"5 apples\" is not a size, such as 4096, 512 KiB or 50 MiB"},
        {DOMAIN "media: {upload_limit_bytes: 99999999999 GiB}\n", "is not a size"},
        {DOMAIN "turn: {ttl_seconds: soon}\n", "turn.ttl_seconds: \"soon\" is not a time, such as 90s"},
        {DOMAIN "rate_limits: {login: {per_second: -1}}\n", "rate_limits.login.per_second: \"-1\" is not a number above zero"},
        {DOMAIN "trusted_proxies: 10.0.0.1\n", "trusted_proxies: \"10.0.0.1\" is not a list: put the values in brackets"},
        {DOMAIN "url_previews:\n  allow_networks: [10.0.0.0/33]\n", "url_previews.allow_networks: \"10.0.0.0/33\" is not an address or network"},
        {DOMAIN "antivirus:\n  clamd: clamav\n", "antivirus.clamd: \"clamav\" is neither the path of a socket nor an address"},
        {DOMAIN "trusted_proxies: [proxy]\n", "trusted_proxies: \"proxy\" is not an address or network"},
        {DOMAIN "database: [a]\n", "line 3: database: write a single value, not a list"},
        {DOMAIN "database: mysql://x\n", "line 3: database: write embedded, or an address such as postgresql://"},
        {DOMAIN "database: \"\"\n", "line 3: database: the value is empty"},
        {DOMAIN "log: verbose\n", "line 3: log: write the settings of log here"},
        {DOMAIN "log: {level: info}\nlog: {json: true}\n", "line 4: log: this key stands twice"},
        {DOMAIN "federation:\n  allow: [*.org]\n", "starts an alias in YAML: put the value in quotes"},
        {DOMAIN "federation:\n  allow: [*org]\n", "starts an alias in YAML: put the value in quotes"},
        {DOMAIN "log: {level: info\n", "this is not valid YAML"},
        {DOMAIN "\tlog: x\n", "this is not valid YAML"},
        {"- a\n", "write the settings of the configuration here"},
        {"domains:\n  - name: https://example.org\n", "line 2: domains.0.name: \"https://example.org\" is not a server name"},
        {DOMAIN "  - name: example.org\n", "line 3: domains.1.name: \"example.org\" stands here twice"},
        {DOMAIN "    client_base_url: example.org\n", "domains.0.client_base_url: \"example.org\" is not a web address"},
        {DOMAIN "listeners:\n  - address: localhost:8008\n", "line 4: listeners.0.address: \"localhost:8008\" is not an IP address and a port"},
        {DOMAIN "listeners:\n  - address: 127.0.0.1:70000\n", "listeners.0.address: \"127.0.0.1:70000\" is not an IP address and a port"},
        {DOMAIN "listeners:\n  - address: 127.0.0.1:1\n  - address: 127.0.0.1:1\n", "line 5: listeners.1.address: another listener has this address"},
        {DOMAIN "listeners:\n  - {address: \"127.0.0.1:1\", apis: [metrics]}\n", "line 3: listeners: no listener serves clients"},
        {DOMAIN "listeners:\n  - {address: \"127.0.0.1:1\", apis: [client]}\n", "listeners: no listener serves other servers"},
        {DOMAIN "listeners:\n  - {address: \"127.0.0.1:1\", apis: [clients]}\n", "\"clients\" is not one of: client, federation, admin, metrics, health. Did you mean \"client\"?"},
        {DOMAIN "listeners:\n  - {address: \"127.0.0.1:1\", apis: client}\n", "listeners.0.apis: \"client\" is not a list in brackets of: client, federation"},
        {DOMAIN "listeners:\n  - {address: \"127.0.0.1:1\", tls_certificate: /dev/null}\n", "tls_certificate: a certificate needs its private key"},
        {DOMAIN "listeners:\n  - {address: \"127.0.0.1:1\", tls_certificate: /none, tls_key: /dev/null}\n", "/none can not be read: No such file or directory"},
        {DOMAIN "registration: {require_email: true}\n", "registration.require_email: validating addresses needs mail"},
        {DOMAIN "registration: {terms_url: \"https://a\"}\n", "terms_url and terms_version belong together"},
        {DOMAIN "mail: {smtp_url: mail.example.org}\n", "mail.smtp_url: \"mail.example.org\" is not a mail server"},
        {DOMAIN "mail: {smtp_url: \"smtp://a\"}\n", "mail.smtp_url: mail needs a sender"},
        {DOMAIN "mail: {username: a}\n", "mail.username: username and password belong together"},
        {DOMAIN "turn: {uris: [turn.example.org]}\n", "\"turn.example.org\" is not a TURN address"},
        {DOMAIN "turn: {uris: [\"turn:example.org\"]}\n", "turn.uris: clients need credentials"},
        {DOMAIN "outgoing: {proxy: proxy}\n", "outgoing.proxy: \"proxy\" is not a proxy"},
        {DOMAIN "outgoing: {ca_file: missing.pem}\n", "/missing.pem can not be read"},
        {DOMAIN "rooms: {default_version: \"99\"}\n",
         "rooms.default_version: \"99\" is not a stable room version"},
        {DOMAIN "rooms: {default_version: org.matrix.msc3757.11}\n",
         "is not a stable room version"},
    };
    /* clang-format on */

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_message(cases[i].yaml, NULL, cases[i].message);
}

static void mistakes_in_overrides_name_the_variable(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *variable, *message; } cases[] = {
        {"BEFFROI__log__levvel=info", "environment variable BEFFROI__log__levvel: there is no setting \"levvel\" in log. Did you mean \"level\"?"},
        {"BEFFROI__log__level=loud", "environment variable BEFFROI__log__level: log.level: \"loud\" is not one of"},
        {"BEFFROI__listeners__7__address=a", "\"7\" must be the number of an item"},
        {"BEFFROI__listeners__0=", "the name of a setting must follow the number"},
        {"BEFFROI__database__name=x", "\"database\" has no settings below it"},
        {"BEFFROI__domains=[{", "environment variable BEFFROI__domains: this is not valid YAML"},
        {"BEFFROI__a__b__c__d__e__f__g__h__i=1", "the name has too many parts"},
    };
    /* clang-format on */

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *const environment[] = {cases[i].variable, NULL};
        assert_message(DOMAIN, environment, cases[i].message);
    }
}

static void all_mistakes_are_reported_at_once(void **state)
{
    (void)state;
    SCOPED(fixture_finish) struct fixture fixture;

    fixture_init(&fixture);
    assert_int_equal(load(&fixture, DOMAIN "log: {level: x}\ndatabas: y\nturn: 3\n", NULL, NULL),
                     M_INVALID_PARAM);
    assert_int_equal(fixture.report->count, 3);
}

static void a_missing_file_is_explained(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct config_report *report = config_report_create(arena);
    const struct config_source source = {.path = "/nonexistent/beffroi.yaml"};
    const struct config *config = NULL;

    assert_int_equal(config_load(&source, report, &config), M_INVALID_PARAM);
    assert_non_null(strstr(config_report_text(report, source.path),
                           "/nonexistent/beffroi.yaml: can not be read: No such file"));
}

static const char *read_whole(struct arena *arena, const char *path)
{
    char *text = arena_alloc(arena, 1 << 20);
    FILE *file = fopen(path, "re");

    if (file == NULL)
        fail_msg("%s can not be read", path);
    size_t length = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    text[length] = '\0';
    return text;
}

static void the_example_file_is_what_generate_config_prints(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct config_report *report = config_report_create(arena);
    static const char *const settings[] = {"domains.0.name=example.org", NULL};
    const struct config_source source = {.settings = settings};
    const char *text;

    assert_int_equal(config_generate(&source, report, &text), OK);
    assert_string_equal(text, read_whole(arena, EXAMPLE_FILE));
}

static void a_generated_file_reads_back_as_the_same_configuration(void **state)
{
    (void)state;
    SCOPED(fixture_finish) struct fixture fixture;
    static const char *const settings[] = {
        "domains.0.name=a.example.org",    "domains.1.name=b.example.org",
        "listeners.0.address=[::1]:18008", "federation.allow=[\"*.example.org\", \"a b\"]",
        "mail.smtp_url=smtp://a:1",        "mail.from=\"Beffroi: the server\" <a@b>",
        "media.upload_limit_bytes=7 MB",   NULL,
    };
    const struct config_source source = {.settings = settings};
    const char *text;

    fixture_init(&fixture);
    assert_int_equal(config_generate(&source, fixture.report, &text), OK);
    assert_int_equal(load(&fixture, text, NULL, NULL), OK);
    const struct config *config = fixture.config;
    assert_string_equal(config->domains[1].name, "b.example.org");
    assert_string_equal(config->listeners[0].address, "[::1]:18008");
    assert_string_equal(config->federation.allow[0], "*.example.org");
    assert_string_equal(config->federation.allow[1], "a b");
    assert_string_equal(config->mail.from, "\"Beffroi: the server\" <a@b>");
    assert_int_equal(config->media.upload_limit_bytes, 7000000);
}

static void domains_are_found_by_server_name_and_user_id(void **state)
{
    (void)state;
    SCOPED(fixture_finish) struct fixture fixture;

    fixture_init(&fixture);
    assert_int_equal(
        load(&fixture, "domains: [{name: \"a.org:8448\"}, {name: b.org}]\n", NULL, NULL), OK);
    assert_true(config_hosts(fixture.config, "b.org"));
    assert_false(config_hosts(fixture.config, "B.org"));
    assert_true(config_hosts_user(fixture.config, "@anna:a.org:8448"));
    assert_false(config_hosts_user(fixture.config, "@anna:a.org"));
    assert_false(config_hosts_user(fixture.config, "anna"));
}

static void a_reload_keeps_the_old_configuration_readable(void **state)
{
    (void)state;
    SCOPED(fixture_finish) struct fixture first;
    SCOPED(fixture_finish) struct fixture second;

    fixture_init(&first);
    fixture_init(&second);
    assert_int_equal(load(&first, DOMAIN, NULL, NULL), OK);
    assert_int_equal(load(&second, DOMAIN "log: {level: debug}\n", NULL, NULL), OK);
    struct config_holder *holder = config_holder_create(first.config);
    const struct config *old = config_current(holder);
    config_replace(holder, second.config);
    assert_string_equal(config_current(holder)->log.level, "debug");
    assert_string_equal(old->log.level, "info");
    config_holder_destroy(holder);
    first.config = NULL;
    second.config = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_make_a_safe_server),
        cmocka_unit_test(a_section_given_in_part_keeps_its_other_defaults),
        cmocka_unit_test(relative_paths_start_at_the_folder_of_the_file),
        cmocka_unit_test(sizes_and_times_take_units),
        cmocka_unit_test(environment_variables_override_any_key),
        cmocka_unit_test(settings_override_the_environment),
        cmocka_unit_test(an_empty_override_unsets_a_key),
        cmocka_unit_test(every_mistake_is_named_with_its_line),
        cmocka_unit_test(mistakes_in_overrides_name_the_variable),
        cmocka_unit_test(all_mistakes_are_reported_at_once),
        cmocka_unit_test(a_missing_file_is_explained),
        cmocka_unit_test(the_example_file_is_what_generate_config_prints),
        cmocka_unit_test(a_generated_file_reads_back_as_the_same_configuration),
        cmocka_unit_test(domains_are_found_by_server_name_and_user_id),
        cmocka_unit_test(a_reload_keeps_the_old_configuration_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
