/* Randomness, all of it from libsodium's getrandom(2). */
#include "homeserver/base/random.h"

#include <sodium.h>

#include "homeserver/base/arena.h"

void random_bytes(void *out, size_t size)
{
    randombytes_buf(out, size);
}

uint32_t random_below(uint32_t bound)
{
    return randombytes_uniform(bound);
}

static char *from_alphabet(struct arena *arena, size_t length, const char *alphabet)
{
    char *text = arena_alloc(arena, length + 1);
    uint32_t letters = (uint32_t)strlen(alphabet);

    for (size_t i = 0; i < length; i++)
        text[i] = alphabet[randombytes_uniform(letters)];
    return text;
}

char *random_token(struct arena *arena, size_t length)
{
    return from_alphabet(arena, length,
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
}

char *random_upper(struct arena *arena, size_t length)
{
    return from_alphabet(arena, length, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}
