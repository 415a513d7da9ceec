#ifndef HOMESERVER_BASE_UTF8_H
#define HOMESERVER_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* True when the bytes are UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. NULs are
 * ordinary characters. */
bool utf8_is_valid(const char *text, size_t length);

/* The text in the form in which texts that differ only in case are equal (Unicode full case
 * folding), for comparing, never for showing. The text is UTF-8; NULs are ordinary characters. */
char *utf8_casefold(struct arena *arena, const char *text, size_t length, size_t *length_out);

/* Bytes of the character that starts at `text` (at least one of `length`); continuation bytes that
 * belong to it are counted, whatever their number. */
size_t utf8_character_bytes(const char *text, size_t length);

#endif
