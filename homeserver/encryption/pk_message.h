#ifndef HOMESERVER_ENCRYPTION_PK_MESSAGE_H
#define HOMESERVER_ENCRYPTION_PK_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Messages that anybody encrypts for a public key of ours, and only we read: what clients call
 * PkEncryption, by libolm.
 */
enum { PK_SEED_BYTES = 32, PK_PUBLIC_KEY_CHARS = 43, PK_MAC_CHARS = 11 };

struct pk_message {
    const char *ciphertext, *mac, *ephemeral; /* unpadded base64 */
};

struct arena;

/* The public key of a private one, unpadded base64. */
void pk_public_key(const uint8_t seed[PK_SEED_BYTES], char out[PK_PUBLIC_KEY_CHARS + 1]);

/* False when it is not for us, or damaged. The text, NUL-terminated, is on the arena. */
bool pk_message_open(struct arena *arena, const uint8_t seed[PK_SEED_BYTES],
                     const struct pk_message *message, char **text_out, size_t *size_out);

#endif
