/* SHA-1 by OpenSSL. The digest is fetched once: an implicit fetch per call takes a global lock. */
#include "homeserver/base/sha1.h"

#include <openssl/evp.h>
#include <pthread.h>

static EVP_MD *digest;

static void fetch_digest(void)
{
    digest = EVP_MD_fetch(NULL, "SHA1", NULL);
    if (digest == NULL)
        abort();
}

void sha1(const void *bytes, size_t size, uint8_t out[SHA1_BYTES])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, fetch_digest);
    if (EVP_Digest(bytes, size, out, NULL, digest, NULL) != 1)
        abort();
}
