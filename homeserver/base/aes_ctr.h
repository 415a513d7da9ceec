#ifndef HOMESERVER_BASE_AES_CTR_H
#define HOMESERVER_BASE_AES_CTR_H

#include <stddef.h>
#include <stdint.h>

/* AES-256 in counter mode, piece by piece; encrypting and decrypting are the same. */
enum { AES_CTR_KEY_BYTES = 32, AES_CTR_IV_BYTES = 16 };

struct aes_ctr;

/* malloc'ed. `iv` is the first counter block, all of it counting (NIST SP 800-38A, 6.5). */
struct aes_ctr *aes_ctr_create(const uint8_t key[AES_CTR_KEY_BYTES],
                               const uint8_t iv[AES_CTR_IV_BYTES]);
/* In place. */
void aes_ctr_apply(struct aes_ctr *cipher, void *bytes, size_t size);
/* Overwrites the key. NULL is allowed. */
void aes_ctr_destroy(struct aes_ctr *cipher);

#endif
