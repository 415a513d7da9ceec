/* Percent-encoding (RFC 3986, section 2.1), decoding only. */
#include "homeserver/http/percent.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/utf8.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte of the escape at `text`, 0 when it is broken (or stands for NUL). */
static char decode_escape(const char *text, size_t left)
{
    if (left < 3)
        return 0;
    int high = hex_digit(text[1]);
    int low = hex_digit(text[2]);
    return high < 0 || low < 0 ? 0 : (char)(high * 16 + low);
}

char *percent_decode(struct arena *arena, const char *text, size_t length, bool is_query)
{
    char *decoded = arena_alloc(arena, length + 1);
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '+' && is_query) {
            c = ' ';
        } else if (c == '%') {
            c = decode_escape(text + i, length - i);
            i += 2;
        }
        if (c == '\0')
            return NULL;
        decoded[used++] = c;
    }
    return utf8_is_valid(decoded, used) ? decoded : NULL;
}
