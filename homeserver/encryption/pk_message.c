/*
 * Reading what was encrypted for a key of ours.
 * Spec: client-server API, "Backup algorithm: m.megolm_backup.v1.curve25519-aes-sha2": an ephemeral
 * key agrees by X25519 with ours, HKDF makes the keys, AES-256-CBC the ciphertext.
 */
#include "homeserver/encryption/pk_message.h"

#include <limits.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/base64.h"
#include "homeserver/base/secret.h"

enum { MAC_BYTES = 8, BLOCK_BYTES = 16, HASH_BYTES = crypto_auth_hmacsha256_BYTES };

/* 80 bytes of HKDF, and 16 that nobody uses. */
struct keys {
    uint8_t aes[32], mac[32], iv[BLOCK_BYTES], rest[HASH_BYTES - BLOCK_BYTES];
};

static void hmac(const uint8_t key[32], const void *bytes, size_t size, uint8_t out[HASH_BYTES])
{
    crypto_auth_hmacsha256(out, bytes, size, key);
}

/* HKDF-SHA-256 (RFC 5869), with neither salt nor info. */
static void derive(const uint8_t shared[32], struct keys *out)
{
    static const uint8_t no_salt[32];
    uint8_t secret[HASH_BYTES], input[HASH_BYTES + 1];
    uint8_t *const pieces[] = {out->aes, out->mac, out->iv};

    hmac(no_salt, shared, 32, secret);
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        size_t before = i == 0 ? 0 : HASH_BYTES;
        if (i > 0)
            memcpy(input, pieces[i - 1], HASH_BYTES);
        input[before] = (uint8_t)(i + 1);
        hmac(secret, input, before + 1, pieces[i]);
    }
    secret_clear(secret, sizeof(secret));
    secret_clear(input, sizeof(input));
}

static void free_cipher(EVP_CIPHER_CTX **context)
{
    EVP_CIPHER_CTX_free(*context);
}

static bool decrypt(const struct keys *keys, const uint8_t *bytes, size_t size, char *out,
                    size_t *size_out)
{
    SCOPED(free_cipher) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    unsigned char *text = (unsigned char *)out;
    int written, last;

    if (size > INT_MAX - BLOCK_BYTES || context == NULL ||
        EVP_DecryptInit_ex(context, EVP_aes_256_cbc(), NULL, keys->aes, keys->iv) != 1 ||
        EVP_DecryptUpdate(context, text, &written, bytes, (int)size) != 1 ||
        EVP_DecryptFinal_ex(context, text + written, &last) != 1)
        return false;
    *size_out = (size_t)written + (size_t)last;
    return true;
}

void pk_public_key(const uint8_t seed[PK_SEED_BYTES], char out[PK_PUBLIC_KEY_CHARS + 1])
{
    uint8_t key[crypto_scalarmult_BYTES];

    crypto_scalarmult_base(key, seed);
    base64_encode_into(out, key, sizeof(key), BASE64_STANDARD);
}

bool pk_message_open(struct arena *arena, const uint8_t seed[PK_SEED_BYTES],
                     const struct pk_message *message, char **text_out, size_t *size_out)
{
    uint8_t ephemeral[crypto_scalarmult_BYTES], shared[crypto_scalarmult_BYTES];
    uint8_t mac[MAC_BYTES], right_mac[HASH_BYTES];
    size_t length = strlen(message->ciphertext), size;
    uint8_t *bytes = arena_alloc(arena, length + 1);
    struct keys keys;

    if (!base64_decode_exactly(ephemeral, sizeof(ephemeral), message->ephemeral) ||
        !base64_decode_exactly(mac, sizeof(mac), message->mac) ||
        !base64_decode_into(bytes, length, &size, message->ciphertext, length, BASE64_STANDARD) ||
        crypto_scalarmult(shared, seed, ephemeral) != 0)
        return false;
    derive(shared, &keys);
    /* Of nothing: a mistake of the first implementation, which the specification has made the rule.
     */
    hmac(keys.mac, "", 0, right_mac);
    char *text = arena_alloc(arena, size + BLOCK_BYTES + 1);
    bool is_ours = sodium_memcmp(mac, right_mac, MAC_BYTES) == 0 &&
                   decrypt(&keys, bytes, size, text, size_out);
    secret_clear(shared, sizeof(shared));
    secret_clear(&keys, sizeof(keys));
    *text_out = text;
    return is_ours;
}
