#ifndef HOMESERVER_BASE_STRBUF_H
#define HOMESERVER_BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/compiler.h"

/*
 * A growable byte string with a hard limit. It owns heap memory: strbuf_finish() frees it, or
 * strbuf_detach() hands it over. `data` is never NULL and always ends in a NUL that `length` does
 * not count. When an append would pass the limit nothing is added, `overflowed` is set and stays:
 * check it once, at the end.
 */
struct strbuf {
    char *data;
    size_t length;
    size_t capacity;
    size_t limit_bytes;
    bool overflowed;
};

enum { STRBUF_LIMIT_DEFAULT = 256 << 20 };

/* limit_bytes 0 means STRBUF_LIMIT_DEFAULT. */
void strbuf_init(struct strbuf *buf, size_t limit_bytes);
void strbuf_finish(struct strbuf *buf);

void strbuf_add(struct strbuf *buf, const void *bytes, size_t size);
void strbuf_add_char(struct strbuf *buf, char c);
void strbuf_add_string(struct strbuf *buf, const char *text);
void strbuf_add_int(struct strbuf *buf, int64_t value);
void strbuf_printf(struct strbuf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* Adds `text` as a JSON string, quotes included, escaped as canonical JSON wants it.
 * The bytes must be valid UTF-8. */
void strbuf_add_json_string(struct strbuf *buf, const char *text, size_t length);

/* A comma between the elements of a JSON list or object: nothing where it has just been opened. */
void strbuf_add_separator(struct strbuf *buf);

/* Adds `text` escaped for HTML, in elements and quoted attributes. */
void strbuf_add_html(struct strbuf *buf, const char *text);

void strbuf_truncate(struct strbuf *buf, size_t length);

/* The text with its NUL; free() it. The buffer is empty and usable afterwards. */
char *strbuf_detach(struct strbuf *buf, size_t *length_out);

#endif
