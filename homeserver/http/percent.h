#ifndef HOMESERVER_HTTP_PERCENT_H
#define HOMESERVER_HTTP_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* Decodes `%41`; in a query string a `+` is a space. NULL when an escape is broken, or the result
 * holds U+0000 or is not UTF-8. */
char *percent_decode(struct arena *arena, const char *text, size_t length, bool is_query);

#endif
