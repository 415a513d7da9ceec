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

static const EVP_MD *fetched_digest(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, fetch_digest);
    return digest;
}

void sha256(const void *bytes, size_t size, uint8_t out[SHA256_BYTES])
{
    if (EVP_Digest(bytes, size, out, NULL, fetched_digest(), NULL) != 1)
        abort();
}

void sha256_to_hex(const uint8_t hash[SHA256_BYTES], char out[SHA256_HEX_CHARS + 1])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
    out[SHA256_HEX_CHARS] = '\0';
}

void sha256_hex(const char *text, char out[SHA256_HEX_CHARS + 1])
{
    uint8_t hash[SHA256_BYTES];

    sha256(text, strlen(text), hash);
    sha256_to_hex(hash, out);
}

struct sha256_stream {
    EVP_MD_CTX *context;
};

struct sha256_stream *sha256_stream_create(void)
{
    struct sha256_stream *stream = malloc(sizeof(*stream));

    if (stream == NULL || (stream->context = EVP_MD_CTX_new()) == NULL ||
        EVP_DigestInit_ex(stream->context, fetched_digest(), NULL) != 1)
        abort();
    return stream;
}

void sha256_stream_add(struct sha256_stream *stream, const void *bytes, size_t size)
{
    if (EVP_DigestUpdate(stream->context, bytes, size) != 1)
        abort();
}

void sha256_stream_finish(struct sha256_stream *stream_owned, uint8_t out[SHA256_BYTES])
{
    if (EVP_DigestFinal_ex(stream_owned->context, out, NULL) != 1)
        abort();
    sha256_stream_drop(stream_owned);
}

void sha256_stream_drop(struct sha256_stream *stream_owned)
{
    if (stream_owned == NULL)
        return;
    EVP_MD_CTX_free(stream_owned->context);
    free(stream_owned);
}
