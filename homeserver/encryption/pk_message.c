/* Reading what was encrypted for a key of ours. */
#include "homeserver/encryption/pk_message.h"

#include <olm/olm.h>
#include <olm/pk.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"

static void release(OlmPkDecryption **decryption)
{
    olm_clear_pk_decryption(*decryption);
    free(*decryption);
}

static OlmPkDecryption *create(const uint8_t seed[PK_SEED_BYTES],
                               char public_key[PK_PUBLIC_KEY_CHARS])
{
    void *memory = malloc(olm_pk_decryption_size());

    if (memory == NULL || olm_pk_key_length() != PK_PUBLIC_KEY_CHARS)
        abort();
    OlmPkDecryption *decryption = olm_pk_decryption(memory);
    if (olm_pk_key_from_private(decryption, public_key, PK_PUBLIC_KEY_CHARS, seed, PK_SEED_BYTES) ==
        olm_error())
        abort();
    return decryption;
}

void pk_public_key(const uint8_t seed[PK_SEED_BYTES], char out[PK_PUBLIC_KEY_CHARS + 1])
{
    SCOPED(release) OlmPkDecryption *decryption = create(seed, out);

    out[PK_PUBLIC_KEY_CHARS] = '\0';
}

bool pk_message_open(struct arena *arena, const uint8_t seed[PK_SEED_BYTES],
                     const struct pk_message *message, char **text_out, size_t *size_out)
{
    char own[PK_PUBLIC_KEY_CHARS];
    SCOPED(release) OlmPkDecryption *decryption = create(seed, own);
    /* libolm decodes the ciphertext in place. */
    char *ciphertext = arena_strdup(arena, message->ciphertext);
    size_t length = strlen(ciphertext);
    size_t room = olm_pk_max_plaintext_length(decryption, length);

    if (strlen(message->ephemeral) != PK_PUBLIC_KEY_CHARS || strlen(message->mac) != PK_MAC_CHARS ||
        room == olm_error())
        return false;
    char *text = arena_alloc(arena, room + 1);
    size_t size = olm_pk_decrypt(decryption, message->ephemeral, PK_PUBLIC_KEY_CHARS, message->mac,
                                 PK_MAC_CHARS, ciphertext, length, text, room);
    if (size == olm_error())
        return false;
    text[size] = '\0';
    *text_out = text;
    *size_out = size;
    return true;
}
