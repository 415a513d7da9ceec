#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "config/config_load.h"
#include "config/config_report.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/cli/self_signed_certificate.h"
#include "tests/support/test.h"

static const struct config *load(struct arena *arena, const char *folder)
{
    const char *const settings[] = {
        "domains.0.name=example.org:8448",
        "listeners.1.address=[2001:db8::1]:8448",
        arena_printf(arena, "data_directory=%s", folder),
        NULL,
    };
    const struct config_source source = {.settings = settings};
    const struct config *config = NULL;

    assert_int_equal(config_load(&source, config_report_create(arena), &config), OK);
    return config;
}

static X509 *read_certificate(const char *path)
{
    FILE *file = fopen(path, "re");

    assert_non_null(file);
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(certificate);
    return certificate;
}

static void a_certificate_names_everything_the_server_is_called_and_is_kept(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    char folder[] = "/tmp/beffroi-certificate-XXXXXX";
    struct error error = {0};
    struct stat status;

    assert_non_null(mkdtemp(folder));
    const struct config *config = load(arena, folder);
    const struct config_listener *listener = &config->listeners[1];
    assert_int_equal(self_signed_certificate_ensure(arena, config, &error), OK);

    X509 *certificate = read_certificate(listener->tls_certificate);
    assert_int_equal(X509_check_host(certificate, "example.org", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(certificate, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(certificate, "example.com", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(certificate, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(certificate, "2001:db8::1", 0), 1);
    assert_int_equal(X509_verify(certificate, X509_get0_pubkey(certificate)), 1);
    assert_int_equal(stat(listener->tls_key, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);

    assert_int_equal(self_signed_certificate_ensure(arena, config, &error), OK);
    X509 *again = read_certificate(listener->tls_certificate);
    assert_int_equal(X509_cmp(certificate, again), 0);

    X509_free(certificate);
    X509_free(again);
    unlink(listener->tls_certificate);
    unlink(listener->tls_key);
    rmdir(folder);
    config_free(config);
}

static void a_folder_that_can_not_be_written_is_named(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct error error = {0};
    const struct config *config = load(arena, "/nonexistent");

    assert_int_equal(self_signed_certificate_ensure(arena, config, &error), E_SYSTEM);
    assert_non_null(strstr(error.text, "/nonexistent/self-signed.crt"));
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_names_everything_the_server_is_called_and_is_kept),
        cmocka_unit_test(a_folder_that_can_not_be_written_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
