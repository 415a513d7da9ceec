#ifndef HOMESERVER_PROTOCOL_ED25519_H
#define HOMESERVER_PROTOCOL_ED25519_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ed25519: the only signature primitive. Nothing here fails for valid sizes. */
enum {
    ED25519_SEED_BYTES = 32,
    ED25519_PUBLIC_KEY_BYTES = 32,
    ED25519_SIGNATURE_BYTES = 64,
    ED25519_PUBLIC_KEY_CHARS = 43, /* unpadded base64 */
    ED25519_SIGNATURE_CHARS = 86,
};

struct ed25519_public_key {
    uint8_t bytes[ED25519_PUBLIC_KEY_BYTES];
};

struct ed25519_key_pair {
    struct ed25519_public_key public_key;
    uint8_t secret[64]; /* seed and public key, as libsodium wants it; never leaves the process */
};

void ed25519_key_pair_from_seed(struct ed25519_key_pair *pair,
                                const uint8_t seed[ED25519_SEED_BYTES]);

/* Overwrites the secret. */
void ed25519_key_pair_finish(struct ed25519_key_pair *pair);

void ed25519_sign(const struct ed25519_key_pair *pair, const void *bytes, size_t size,
                  uint8_t out[ED25519_SIGNATURE_BYTES]);

bool ed25519_verify(const struct ed25519_public_key *key, const void *bytes, size_t size,
                    const uint8_t signature[ED25519_SIGNATURE_BYTES]);

/* Base64 in either alphabet, padded or not (third-party invites come in both); false when the text
 * is NULL, not base64 or not of the right size. */
bool ed25519_public_key_decode(struct ed25519_public_key *out, const char *text);
bool ed25519_signature_decode(uint8_t out[ED25519_SIGNATURE_BYTES], const char *text);

#endif
