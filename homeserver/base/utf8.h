#ifndef HOMESERVER_BASE_UTF8_H
#define HOMESERVER_BASE_UTF8_H

#include <stddef.h>

struct arena;

/* The text in the form in which texts that differ only in case are equal (Unicode full case
 * folding), for comparing, never for showing. The text is UTF-8; NULs are ordinary characters. */
char *utf8_casefold(struct arena *arena, const char *text, size_t length, size_t *length_out);

/* Bytes of the character that starts at `text` (at least one of `length`); continuation bytes that
 * belong to it are counted, whatever their number. */
size_t utf8_character_bytes(const char *text, size_t length);

#endif
