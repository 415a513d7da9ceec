/* Globs with `*` and `?`: one backtrack point, the latest `*`, is enough. */
#include "homeserver/base/glob.h"

#include <ctype.h>
#include <stddef.h>

static bool same(char a, char b, bool ignore_case)
{
    if (!ignore_case)
        return a == b;
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* The next code point: skips the continuation bytes. */
static const char *next_character(const char *text)
{
    do {
        text++;
    } while (((unsigned char)*text & 0xC0) == 0x80);
    return text;
}

bool glob_match(const char *pattern, const char *text, bool ignore_case)
{
    const char *star = NULL;  /* pattern after the latest star */
    const char *retry = NULL; /* where that star's match ends so far */

    while (*text != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            retry = text;
        } else if (*pattern == '?') {
            pattern++;
            text = next_character(text);
        } else if (*pattern != '\0' && same(*pattern, *text, ignore_case)) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star;
            text = retry = next_character(retry);
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}
