/* A certificate for trying the server out: ECDSA P-256, ten years, signed by itself. */
#include "homeserver/cli/self_signed_certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"

enum { DAY_SECONDS = 86400, VALID_DAYS = 3650, RENEW_DAYS = 30 };

static void close_file(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
}

static void free_certificate(X509 **certificate)
{
    X509_free(*certificate);
}

static void free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void free_extension(X509_EXTENSION **extension)
{
    X509_EXTENSION_free(*extension);
}

/* True when the certificate is there and does not expire soon. */
static bool is_good(const char *certificate_path, const char *key_path)
{
    SCOPED(close_file) FILE *file = fopen(certificate_path, "re");
    time_t soon = (time_t)(clock_wall_ms() / 1000) + (time_t)RENEW_DAYS * DAY_SECONDS;

    if (file == NULL || access(key_path, R_OK) != 0)
        return false;
    SCOPED(free_certificate) X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    return certificate != NULL && X509_cmp_time(X509_get0_notAfter(certificate), &soon) > 0;
}

/* The host of "example.org:8448" or "[::1]:8448", and whether it is an IP address. */
static const char *host_of(struct arena *arena, const char *name, bool *is_address)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    const char *host;

    if (name[0] == '[')
        host = arena_strndup(arena, name + 1, strcspn(name + 1, "]"));
    else
        host = arena_strndup(arena, name, strcspn(name, ":"));
    *is_address = inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
    return host;
}

static const char *add_name(struct arena *arena, const char *names, const char *name)
{
    bool is_address;
    const char *host = host_of(arena, name, &is_address);
    const char *entry = arena_printf(arena, "%s:%s", is_address ? "IP" : "DNS", host);

    return strstr(names, entry) != NULL ? names : arena_printf(arena, "%s,%s", names, entry);
}

/* The subjectAltName of everything this server may be called. */
static const char *all_names(struct arena *arena, const struct config *config)
{
    const char *names = "DNS:localhost,IP:127.0.0.1,IP:::1";

    for (size_t i = 0; i < config->domain_count; i++)
        names = add_name(arena, names, config->domains[i].name);
    for (size_t i = 0; i < config->listener_count; i++)
        names = add_name(arena, names, config->listeners[i].address);
    return names;
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    SCOPED(free_extension)
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    return extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
}

static bool fill_certificate(X509 *certificate, EVP_PKEY *key, const char *common_name,
                             const char *names)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    BIGNUM *serial = BN_new();
    /* A common name holds at most 64 characters; clients look at the other names. */
    int length = (int)(strlen(common_name) > 64 ? 64 : strlen(common_name));
    bool good =
        serial != NULL && BN_rand(serial, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
        BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)) != NULL &&
        X509_set_version(certificate, X509_VERSION_3) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_SECONDS) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(certificate), (long)VALID_DAYS * DAY_SECONDS) != NULL &&
        X509_set_pubkey(certificate, key) == 1 &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)common_name,
                                   length, -1, 0) == 1 &&
        X509_set_issuer_name(certificate, subject) == 1 &&
        add_extension(certificate, NID_subject_alt_name, names) &&
        add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
        X509_sign(certificate, key, EVP_sha256()) > 0;

    BN_free(serial);
    return good;
}

/* A file of the given mode that replaces an older one only when it is complete. */
static bool write_pem(struct arena *arena, const char *path, mode_t mode, X509 *certificate,
                      EVP_PKEY *key)
{
    const char *temporary = arena_printf(arena, "%s.tmp", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (file == NULL)
        return false;
    bool written = certificate != NULL
                       ? PEM_write_X509(file, certificate) == 1
                       : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
    written = fclose(file) == 0 && written;
    return written && rename(temporary, path) == 0;
}

static enum errcode make_certificate(struct arena *arena, const struct config *config,
                                     const struct config_listener *listener, struct error *error)
{
    SCOPED(free_key) EVP_PKEY *key = EVP_EC_gen("P-256");
    SCOPED(free_certificate) X509 *certificate = X509_new();
    bool is_address;

    if (key == NULL || certificate == NULL ||
        !fill_certificate(certificate, key, host_of(arena, config->domains[0].name, &is_address),
                          all_names(arena, config)))
        return fail(error, E_SYSTEM, "OpenSSL could not make a self-signed certificate.");
    errno = 0;
    if (!write_pem(arena, listener->tls_key, 0600, NULL, key) ||
        !write_pem(arena, listener->tls_certificate, 0644, certificate, NULL))
        return fail(error, E_SYSTEM, "The certificate %s can not be written: %s.",
                    listener->tls_certificate, strerrordesc_np(errno));
    return OK;
}

enum errcode self_signed_certificate_ensure(struct arena *arena, const struct config *config,
                                            struct error *error)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        if (listener->tls_self_signed && !is_good(listener->tls_certificate, listener->tls_key))
            return make_certificate(arena, config, listener, error);
    }
    return OK;
}
