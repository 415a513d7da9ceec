/* Checking, case folding and walking over UTF-8 text. */
#include "homeserver/base/utf8.h"

#include <unicase.h>
#include <unistr.h>

#include "homeserver/base/arena.h"

static bool is_ascii(const char *text, size_t length)
{
    unsigned char seen = 0;

    for (size_t i = 0; i < length; i++)
        seen |= (unsigned char)text[i];
    return seen < 0x80;
}

bool utf8_is_valid(const char *text, size_t length)
{
    return is_ascii(text, length) || u8_check((const uint8_t *)text, length) == NULL;
}

static char *fold_ascii(struct arena *arena, const char *text, size_t length)
{
    char *folded = arena_strndup(arena, text, length);

    for (size_t i = 0; i < length; i++) {
        if (folded[i] >= 'A' && folded[i] <= 'Z')
            folded[i] = (char)(folded[i] + ('a' - 'A'));
    }
    return folded;
}

char *utf8_casefold(struct arena *arena, const char *text, size_t length, size_t *length_out)
{
    uint8_t *folded = NULL;
    size_t folded_length = 0;
    char *copy;

    if (!is_ascii(text, length))
        folded = u8_casefold((const uint8_t *)text, length, NULL, NULL, NULL, &folded_length);
    if (folded == NULL) {
        *length_out = length;
        return fold_ascii(arena, text, length);
    }
    copy = arena_strndup(arena, (const char *)folded, folded_length);
    free(folded);
    *length_out = folded_length;
    return copy;
}

size_t utf8_character_bytes(const char *text, size_t length)
{
    size_t bytes = 1;

    while (bytes < length && ((unsigned char)text[bytes] & 0xC0) == 0x80)
        bytes++;
    return bytes;
}
