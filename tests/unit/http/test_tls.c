/* TLS listeners: requests, and certificates that are replaced while the server runs. */
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/http_client.h"
#include "tests/unit/http/fixture.h"

static char certificate_path[64];
static char key_path[64];

static void write_file(const char *path, const gnutls_datum_t *bytes)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes->data, 1, bytes->size, file), bytes->size);
    fclose(file);
}

/* A certificate whose serial number tells it apart. */
static void write_certificate(unsigned char serial)
{
    gnutls_x509_crt_t certificate;
    gnutls_x509_privkey_t key;
    gnutls_datum_t pem;
    const time_t now = time(NULL);

    gnutls_x509_crt_init(&certificate);
    gnutls_x509_privkey_init(&key);
    gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    gnutls_x509_crt_set_key(certificate, key);
    gnutls_x509_crt_set_version(certificate, 3);
    gnutls_x509_crt_set_serial(certificate, &serial, 1);
    gnutls_x509_crt_set_activation_time(certificate, now - 60);
    gnutls_x509_crt_set_expiration_time(certificate, now + 86400);
    assert_int_equal(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0),
                     GNUTLS_E_SUCCESS);
    assert_int_equal(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem), 0);
    write_file(certificate_path, &pem);
    gnutls_free(pem.data);
    assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem), 0);
    write_file(key_path, &pem);
    gnutls_free(pem.data);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
}

struct tls_client {
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
    int fd;
    unsigned char serial; /* of the server's certificate */
};

static void read_serial(struct tls_client *client)
{
    unsigned count;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(client->session, &count);
    gnutls_x509_crt_t certificate;
    size_t size = sizeof(client->serial);

    assert_int_equal(count, 1);
    gnutls_x509_crt_init(&certificate);
    gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER);
    assert_int_equal(gnutls_x509_crt_get_serial(certificate, &client->serial, &size), 0);
    gnutls_x509_crt_deinit(certificate);
}

/* The outcome of the handshake. */
static int try_open(struct tls_client *client, const char *priorities)
{
    client->fd = http_connect(test_port);
    gnutls_certificate_allocate_credentials(&client->credentials);
    gnutls_init(&client->session, GNUTLS_CLIENT);
    assert_int_equal(gnutls_priority_set_direct(client->session, priorities, NULL), 0);
    gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE, client->credentials);
    gnutls_transport_set_int(client->session, client->fd);
    gnutls_handshake_set_timeout(client->session, 10000);
    return gnutls_handshake(client->session);
}

static void tls_open(struct tls_client *client)
{
    assert_int_equal(try_open(client, "NORMAL"), GNUTLS_E_SUCCESS);
    read_serial(client);
}

static void tls_close(struct tls_client *client)
{
    gnutls_deinit(client->session);
    gnutls_certificate_free_credentials(client->credentials);
    close(client->fd);
}

static void tls_get(struct tls_client *client, const char *target, const char *body)
{
    char text[4096];

    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", target);
    assert_int_equal(gnutls_record_send(client->session, text, strlen(text)), strlen(text));
    size_t used = 0;
    while (used == 0 || strstr(text, body) == NULL) {
        ssize_t got = gnutls_record_recv(client->session, text + used, sizeof(text) - used - 1);
        if (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED)
            continue;
        assert_true(got > 0);
        used += (size_t)got;
        text[used] = '\0';
    }
    assert_memory_equal(text, "HTTP/1.1 200", 12);
}

static void requests_are_answered_over_tls(void **state)
{
    struct tls_client client;

    (void)state;
    tls_open(&client);
    for (int i = 0; i < 5; i++)
        tls_get(&client, "/test/page", "<p>hello</p>");
    tls_close(&client);
}

static void a_long_poll_over_tls_is_woken(void **state)
{
    struct tls_client client;

    (void)state;
    tls_open(&client);
    tls_get(&client, "/test/park?key=1&timeout=50", "\"deadline\":true");
    tls_close(&client);
}

static void a_reload_changes_the_certificate_for_new_connections(void **state)
{
    struct tls_client before, after;

    (void)state;
    tls_open(&before);
    assert_int_equal(before.serial, 1);
    write_certificate(2);
    http_server_reload(test_server);
    tls_open(&after);
    assert_int_equal(after.serial, 2);
    tls_get(&before, "/test/page", "<p>hello</p>");
    tls_get(&after, "/test/page", "<p>hello</p>");
    tls_close(&before);
    tls_close(&after);
}

static void a_reload_of_unusable_files_keeps_the_old_certificate(void **state)
{
    struct tls_client client;
    unsigned char text[] = "nonsense";
    const gnutls_datum_t nonsense = {text, 8};

    (void)state;
    write_file(key_path, &nonsense);
    http_server_reload(test_server);
    write_certificate(3); /* the key is right, now spoil the pair */
    char moved[80];
    snprintf(moved, sizeof(moved), "%s.old", key_path);
    rename(key_path, moved);
    write_certificate(4);
    rename(moved, key_path);
    http_server_reload(test_server);
    tls_open(&client);
    assert_int_equal(client.serial, 2);
    tls_close(&client);
}

static void old_versions_of_tls_are_refused(void **state)
{
    struct tls_client client;

    (void)state;
    assert_int_not_equal(try_open(&client, "NORMAL:-VERS-ALL:+VERS-TLS1.1"), GNUTLS_E_SUCCESS);
    tls_close(&client);
    assert_int_equal(try_open(&client, "NORMAL:-VERS-ALL:+VERS-TLS1.2"), GNUTLS_E_SUCCESS);
    tls_close(&client);
}

static void plain_http_on_a_tls_port_is_refused(void **state)
{
    int fd = http_connect(test_port);

    (void)state;
    http_send_text(fd, "GET /test/page HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_true(http_is_closed(fd));
    close(fd);
}

static int set_up(void **state)
{
    static char certificate_setting[96], key_setting[96];

    snprintf(certificate_path, sizeof(certificate_path), "/tmp/beffroi-tls-%d.crt", getpid());
    snprintf(key_path, sizeof(key_path), "/tmp/beffroi-tls-%d.key", getpid());
    snprintf(certificate_setting, sizeof(certificate_setting), "listeners.0.tls_certificate=%s",
             certificate_path);
    snprintf(key_setting, sizeof(key_setting), "listeners.0.tls_key=%s", key_path);
    test_settings[0] = certificate_setting;
    test_settings[1] = key_setting;
    write_certificate(1);
    return test_server_start(state);
}

static int tear_down(void **state)
{
    unlink(certificate_path);
    unlink(key_path);
    return test_server_stop(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered_over_tls),
        cmocka_unit_test(a_long_poll_over_tls_is_woken),
        cmocka_unit_test(a_reload_changes_the_certificate_for_new_connections),
        cmocka_unit_test(a_reload_of_unusable_files_keeps_the_old_certificate),
        cmocka_unit_test(old_versions_of_tls_are_refused),
        cmocka_unit_test(plain_http_on_a_tls_port_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
