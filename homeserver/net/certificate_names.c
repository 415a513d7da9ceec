/* Server certificates must have alternative names. RFC 9525, section 2: the subject names nobody.
 */
#include "homeserver/net/certificate_names.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>

static bool has_names(X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool found = false;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int type = sk_GENERAL_NAME_value(names, i)->type;
        found = found || type == GEN_DNS || type == GEN_IPADD;
    }
    GENERAL_NAMES_free(names);
    return found;
}

static int check(int is_trusted, X509_STORE_CTX *store)
{
    if (!is_trusted || X509_STORE_CTX_get_error_depth(store) > 0 ||
        has_names(X509_STORE_CTX_get_current_cert(store)))
        return is_trusted;
    X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
    return 0;
}

static CURLcode on_tls_context(CURL *easy, void *context, void *unused)
{
    (void)easy;
    (void)unused;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, check);
    return CURLE_OK;
}

CURLcode certificate_names_require(CURL *easy)
{
    return curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls_context);
}
