/* AES by OpenSSL. */
#include "homeserver/base/aes_ctr.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct aes_ctr {
    EVP_CIPHER_CTX *context;
};

struct aes_ctr *aes_ctr_create(const uint8_t key[AES_CTR_KEY_BYTES],
                               const uint8_t iv[AES_CTR_IV_BYTES])
{
    struct aes_ctr *cipher = calloc(1, sizeof(*cipher));

    if (cipher == NULL)
        abort();
    cipher->context = EVP_CIPHER_CTX_new();
    if (cipher->context == NULL ||
        EVP_EncryptInit_ex(cipher->context, EVP_aes_256_ctr(), NULL, key, iv) != 1)
        abort();
    return cipher;
}

void aes_ctr_apply(struct aes_ctr *cipher, void *bytes, size_t size)
{
    unsigned char *at = bytes;

    while (size > 0) {
        int piece = size > INT_MAX ? INT_MAX : (int)size;
        int written;
        if (EVP_EncryptUpdate(cipher->context, at, &written, at, piece) != 1)
            abort();
        at += piece;
        size -= (size_t)piece;
    }
}

void aes_ctr_destroy(struct aes_ctr *cipher)
{
    if (cipher == NULL)
        return;
    EVP_CIPHER_CTX_free(cipher->context);
    free(cipher);
}
