/*
 * Certificates through GnuTLS. Versions of the certificate are kept until the identity goes: a
 * handshake on another thread may still use the one before, and reloads are rare.
 */
#include "homeserver/http/tls_identity.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

enum { CHAIN_MAX = 16 };

struct certificate {
    struct certificate *previous;
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned length;
    gnutls_privkey_t key;
};

struct tls_identity {
    const char *certificate_path;
    const char *key_path;
    _Atomic(struct certificate *) current;
};

static _Thread_local const struct tls_identity *selected;

void tls_identity_select(const struct tls_identity *identity)
{
    selected = identity;
}

int tls_identity_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities,
                          int authority_count, const gnutls_pk_algorithm_t *algorithms,
                          int algorithm_count, gnutls_pcert_st **chain, unsigned *chain_length,
                          gnutls_privkey_t *key)
{
    (void)session;
    (void)authorities;
    (void)authority_count;
    (void)algorithms;
    (void)algorithm_count;
    if (selected == NULL)
        return -1;
    struct certificate *current = atomic_load(&selected->current);
    *chain = current->chain;
    *chain_length = current->length;
    *key = current->key;
    return 0;
}

static void certificate_free(struct certificate *certificate)
{
    for (unsigned i = 0; i < certificate->length; i++)
        gnutls_pcert_deinit(&certificate->chain[i]);
    if (certificate->key != NULL)
        gnutls_privkey_deinit(certificate->key);
    free(certificate);
}

static enum errcode read_pem(const char *path, struct error *error, gnutls_datum_t *out)
{
    int problem = gnutls_load_file(path, out);

    if (problem != GNUTLS_E_SUCCESS)
        return fail(error, E_SYSTEM, "%s can not be read.", path);
    return OK;
}

static enum errcode load_chain(const char *path, struct certificate *certificate,
                               struct error *error)
{
    unsigned length = CHAIN_MAX;
    gnutls_datum_t pem;

    TRY(read_pem(path, error, &pem));
    int problem = gnutls_pcert_list_import_x509_raw(certificate->chain, &length, &pem,
                                                    GNUTLS_X509_FMT_PEM, 0);
    gnutls_free(pem.data);
    if (problem != GNUTLS_E_SUCCESS)
        return fail(error, E_SYSTEM, "%s holds no usable certificate: %s", path,
                    gnutls_strerror(problem));
    certificate->length = length;
    return OK;
}

static enum errcode load_key(const char *path, struct certificate *certificate, struct error *error)
{
    gnutls_datum_t pem;

    TRY(read_pem(path, error, &pem));
    int problem = gnutls_privkey_init(&certificate->key);
    if (problem == GNUTLS_E_SUCCESS)
        problem =
            gnutls_privkey_import_x509_raw(certificate->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    if (problem != GNUTLS_E_SUCCESS)
        return fail(error, E_SYSTEM, "%s holds no usable key: %s", path, gnutls_strerror(problem));
    return OK;
}

/* A key that does not fit would only show as failed handshakes. */
static enum errcode check_pair(const struct tls_identity *identity,
                               const struct certificate *certificate, struct error *error)
{
    gnutls_pubkey_t of_key;
    unsigned char ids[2][64];
    size_t sizes[2] = {sizeof(ids[0]), sizeof(ids[1])};
    int problem = gnutls_pubkey_init(&of_key);

    if (problem == GNUTLS_E_SUCCESS) {
        problem = gnutls_pubkey_import_privkey(of_key, certificate->key, 0, 0);
        if (problem == GNUTLS_E_SUCCESS)
            problem = gnutls_pubkey_get_key_id(of_key, GNUTLS_KEYID_USE_SHA256, ids[0], &sizes[0]);
        gnutls_pubkey_deinit(of_key);
    }
    if (problem == GNUTLS_E_SUCCESS)
        problem = gnutls_pubkey_get_key_id(certificate->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256,
                                           ids[1], &sizes[1]);
    if (problem != GNUTLS_E_SUCCESS || sizes[0] != sizes[1] ||
        memcmp(ids[0], ids[1], sizes[0]) != 0)
        return fail(error, E_SYSTEM, "The key in %s does not belong to the certificate in %s.",
                    identity->key_path, identity->certificate_path);
    return OK;
}

static enum errcode load(struct tls_identity *identity, struct certificate *certificate,
                         struct error *error)
{
    TRY(load_chain(identity->certificate_path, certificate, error));
    TRY(load_key(identity->key_path, certificate, error));
    return check_pair(identity, certificate, error);
}

enum errcode tls_identity_reload(struct tls_identity *identity, struct error *error)
{
    struct certificate *loaded = calloc(1, sizeof(*loaded));

    if (loaded == NULL)
        return E_SYSTEM;
    enum errcode outcome = load(identity, loaded, error);
    if (outcome != OK) {
        certificate_free(loaded);
        return outcome;
    }
    loaded->previous = atomic_load(&identity->current);
    atomic_store(&identity->current, loaded);
    return OK;
}

enum errcode tls_identity_create(const struct config_listener *config, struct error *error,
                                 struct tls_identity **out)
{
    struct tls_identity *identity = calloc(1, sizeof(*identity));

    if (identity == NULL)
        return E_SYSTEM;
    identity->certificate_path = config->tls_certificate;
    identity->key_path = config->tls_key == NULL ? config->tls_certificate : config->tls_key;
    enum errcode outcome = tls_identity_reload(identity, error);
    if (outcome != OK)
        tls_identity_destroy(identity);
    else
        *out = identity;
    return outcome;
}

void tls_identity_destroy(struct tls_identity *identity)
{
    if (identity == NULL)
        return;
    struct certificate *certificate = atomic_load(&identity->current);
    while (certificate != NULL) {
        struct certificate *previous = certificate->previous;
        certificate_free(certificate);
        certificate = previous;
    }
    free(identity);
}
