/* Ed25519 by libsodium, and the base64 forms of keys and signatures. */
#include "homeserver/protocol/ed25519.h"

#include <sodium.h>
#include <string.h>

#include "homeserver/base/base64.h"
#include "homeserver/base/secret.h"

void ed25519_key_pair_from_seed(struct ed25519_key_pair *pair,
                                const uint8_t seed[ED25519_SEED_BYTES])
{
    crypto_sign_seed_keypair(pair->public_key.bytes, pair->secret, seed);
}

void ed25519_key_pair_finish(struct ed25519_key_pair *pair)
{
    secret_clear(pair->secret, sizeof(pair->secret));
}

void ed25519_sign(const struct ed25519_key_pair *pair, const void *bytes, size_t size,
                  uint8_t out[ED25519_SIGNATURE_BYTES])
{
    crypto_sign_detached(out, NULL, bytes, size, pair->secret);
}

bool ed25519_verify(const struct ed25519_public_key *key, const void *bytes, size_t size,
                    const uint8_t signature[ED25519_SIGNATURE_BYTES])
{
    return crypto_sign_verify_detached(signature, bytes, size, key->bytes) == 0;
}

bool ed25519_public_key_decode(struct ed25519_public_key *out, const char *text)
{
    return base64_decode_exactly(out->bytes, sizeof(out->bytes), text);
}

bool ed25519_signature_decode(uint8_t out[ED25519_SIGNATURE_BYTES], const char *text)
{
    return base64_decode_exactly(out, ED25519_SIGNATURE_BYTES, text);
}
