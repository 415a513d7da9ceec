#ifndef CONFIG_SIGNING_KEY_FILE_H
#define CONFIG_SIGNING_KEY_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;

/*
 * Files of private signing keys, one key per line: `ed25519 <version> <unpadded base64 of the
 * seed>`, the form other homeservers use too. The first key signs; the others are still published.
 */
enum { SIGNING_KEY_SEED_BYTES = 32 };

struct signing_key_seed {
    const char *version; /* "a_Xy12": what stands after "ed25519:" in key IDs */
    uint8_t seed[SIGNING_KEY_SEED_BYTES];
};

/* Keys of a file, in its order; at least one. M_NOT_FOUND when there is no such file,
 * M_INVALID_PARAM when it is not a key file or others may read it; `error` says what to do. */
enum errcode signing_key_file_read(struct arena *arena, const char *path, struct error *error,
                                   const struct signing_key_seed **keys_out,
                                   size_t *count_out) MUST_CHECK;

/* Makes a key from the kernel's randomness and a file of mode 0600, written whole or not at all.
 * E_CONFLICT when the file exists: a key is never overwritten. */
enum errcode signing_key_file_create(struct arena *arena, const char *path, struct error *error,
                                     const char **version_out) MUST_CHECK;

#endif
