/* Unpadded base64, by libsodium. */
#include "homeserver/base/base64.h"

#include <sodium.h>
#include <string.h>

#include "homeserver/base/arena.h"

static const char *const alphabets[] = {
    [BASE64_STANDARD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [BASE64_URLSAFE] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

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

static bool decode(uint8_t *out, size_t out_size, size_t *size_out, const char *text, size_t length,
                   enum base64_alphabet alphabet)
{
    return sodium_base642bin(out, out_size, text, length, NULL, size_out, NULL,
                             variant(alphabet)) == 0;
}

/* The last character of an incomplete group with the bits cleared that belong to no byte. */
static char clear_trailing_bits(char last, size_t tail_length, enum base64_alphabet alphabet)
{
    const char *characters = alphabets[alphabet];
    const char *place = last != '\0' ? strchr(characters, last) : NULL;
    unsigned mask = tail_length == 2 ? 0x0f : 0x03;

    return place != NULL ? characters[(size_t)(place - characters) & ~(size_t)mask] : last;
}

bool base64_decode_into(void *out, size_t out_size, size_t *size_out, const char *text,
                        size_t length, enum base64_alphabet alphabet)
{
    char tail[4];
    size_t head_size = 0, tail_size = 0;

    for (int padding = 0; padding < 2 && length > 0 && text[length - 1] == '='; padding++)
        length--;
    size_t tail_length = length % 4;
    if (!decode(out, out_size, &head_size, text, length - tail_length, alphabet))
        return false;
    if (tail_length > 0) {
        memcpy(tail, text + length - tail_length, tail_length);
        tail[tail_length - 1] = clear_trailing_bits(tail[tail_length - 1], tail_length, alphabet);
        if (!decode((uint8_t *)out + head_size, out_size - head_size, &tail_size, tail, tail_length,
                    alphabet))
            return false;
    }
    *size_out = head_size + tail_size;
    return true;
}

bool base64_decode_exactly(void *out, size_t size, const char *text)
{
    size_t decoded_size;

    if (text == NULL)
        return false;
    enum base64_alphabet alphabet = strpbrk(text, "-_") != NULL ? BASE64_URLSAFE : BASE64_STANDARD;
    return base64_decode_into(out, size, &decoded_size, text, strlen(text), alphabet) &&
           decoded_size == size;
}
