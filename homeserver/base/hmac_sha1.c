/* HMAC-SHA1 by OpenSSL. */
#include "homeserver/base/hmac_sha1.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

void hmac_sha1(const void *key, size_t key_size, const void *bytes, size_t size,
               uint8_t out[HMAC_SHA1_BYTES])
{
    if (key_size > INT_MAX || HMAC(EVP_sha1(), key, (int)key_size, bytes, size, out, NULL) == NULL)
        abort();
}

void hmac_sha1_hex(const void *key, size_t key_size, const void *bytes, size_t size,
                   char out[HMAC_SHA1_HEX_CHARS + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t mac[HMAC_SHA1_BYTES];

    hmac_sha1(key, key_size, bytes, size, mac);
    for (size_t i = 0; i < HMAC_SHA1_BYTES; i++) {
        out[2 * i] = digits[mac[i] >> 4];
        out[2 * i + 1] = digits[mac[i] & 15];
    }
    out[HMAC_SHA1_HEX_CHARS] = '\0';
}
