/* SHA-256 by OpenSSL. The digest is fetched once: an implicit fetch per call takes a global lock.
 */
#include "homeserver/base/sha256.h"

#include <openssl/evp.h>
#include <pthread.h>

static EVP_MD *digest;

static void fetch_digest(void)
{
    digest = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (digest == NULL)
        abort();
}

void sha256(const void *bytes, size_t size, uint8_t out[SHA256_BYTES])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, fetch_digest);
    if (EVP_Digest(bytes, size, out, NULL, digest, NULL) != 1)
        abort();
}

void sha256_hex(const char *text, char out[SHA256_HEX_CHARS + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t hash[SHA256_BYTES];

    sha256(text, strlen(text), hash);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
    out[SHA256_HEX_CHARS] = '\0';
}
