/* Unpadded base64, by libsodium. */
#include "homeserver/base/base64.h"

#include <sodium.h>

#include "homeserver/base/arena.h"

static int variant(enum base64_alphabet alphabet)
{
    return alphabet == BASE64_URLSAFE ? sodium_base64_VARIANT_URLSAFE_NO_PADDING
                                      : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
}

size_t base64_encoded_length(size_t size)
{
    return (size * 4 + 2) / 3;
}

void base64_encode_into(char *out, const void *bytes, size_t size, enum base64_alphabet alphabet)
{
    sodium_bin2base64(out, base64_encoded_length(size) + 1, bytes, size, variant(alphabet));
}

char *base64_encode(struct arena *arena, const void *bytes, size_t size,
                    enum base64_alphabet alphabet)
{
    char *text = arena_alloc(arena, base64_encoded_length(size) + 1);

    base64_encode_into(text, bytes, size, alphabet);
    return text;
}

bool base64_decode_into(void *out, size_t out_size, size_t *size_out, const char *text,
                        size_t length, enum base64_alphabet alphabet)
{
    for (int padding = 0; padding < 2 && length > 0 && text[length - 1] == '='; padding++)
        length--;
    return sodium_base642bin(out, out_size, text, length, NULL, size_out, NULL,
                             variant(alphabet)) == 0;
}
