/* Handling of secrets: compare in constant time, clear for sure. */
#include "homeserver/base/secret.h"

#include <sodium.h>

bool secret_equal(const char *a, const char *b)
{
    size_t length = strlen(a);

    return length == strlen(b) && sodium_memcmp(a, b, length) == 0;
}

void secret_clear(void *bytes, size_t size)
{
    sodium_memzero(bytes, size);
}
