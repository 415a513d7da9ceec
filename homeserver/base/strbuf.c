/* Growable byte string with a hard limit. */
#include "homeserver/base/strbuf.h"

#include <inttypes.h>
#include <stdarg.h>

static char empty[1];

void strbuf_init(struct strbuf *buf, size_t limit_bytes)
{
    *buf = (struct strbuf){
        .data = empty,
        .limit_bytes = limit_bytes > 0 ? limit_bytes : STRBUF_LIMIT_DEFAULT,
    };
}

void strbuf_finish(struct strbuf *buf)
{
    if (buf->data != empty)
        free(buf->data);
    strbuf_init(buf, buf->limit_bytes);
}

/* Makes room for `more` bytes and a NUL; false (and overflowed) when the limit forbids it. */
static bool reserve(struct strbuf *buf, size_t more)
{
    if (buf->overflowed || more > buf->limit_bytes - buf->length) {
        buf->overflowed = true;
        return false;
    }
    size_t needed = buf->length + more + 1;
    if (needed <= buf->capacity)
        return true;
    size_t capacity = buf->capacity > 0 ? buf->capacity * 2 : 256;
    if (capacity < needed)
        capacity = needed;
    char *data = realloc(buf->data == empty ? NULL : buf->data, capacity);
    if (data == NULL)
        abort();
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

void strbuf_add(struct strbuf *buf, const void *bytes, size_t size)
{
    if (size == 0 || !reserve(buf, size))
        return;
    memcpy(buf->data + buf->length, bytes, size);
    buf->length += size;
    buf->data[buf->length] = '\0';
}

void strbuf_add_char(struct strbuf *buf, char c)
{
    strbuf_add(buf, &c, 1);
}

void strbuf_add_separator(struct strbuf *buf)
{
    char last = buf->length > 0 ? buf->data[buf->length - 1] : '{';

    if (last != '[' && last != '{')
        strbuf_add_char(buf, ',');
}

void strbuf_add_string(struct strbuf *buf, const char *text)
{
    strbuf_add(buf, text, strlen(text));
}

void strbuf_add_int(struct strbuf *buf, int64_t value)
{
    char digits[24];
    char *first = digits + sizeof(digits);
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;

    do {
        *--first = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0)
        *--first = '-';
    strbuf_add(buf, first, (size_t)(digits + sizeof(digits) - first));
}

void strbuf_printf(struct strbuf *buf, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    /* Mostly there is room already, and once is enough. */
    size_t room = buf->capacity - (buf->capacity > 0 ? buf->length : 0);
    int length = vsnprintf(room > 0 ? buf->data + buf->length : NULL, room, format, args);
    bool fits = length > 0 && reserve(buf, (size_t)length);
    if (fits && (size_t)length >= room)
        vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
    if (fits)
        buf->length += (size_t)length;
    else if (room > 0)
        buf->data[buf->length] = '\0';
    va_end(again);
    va_end(args);
}

/* The two-character escape of a control character, or 0 when it has none. */
static char short_escape(unsigned char c)
{
    switch (c) {
    case '\b':
        return 'b';
    case '\t':
        return 't';
    case '\n':
        return 'n';
    case '\f':
        return 'f';
    case '\r':
        return 'r';
    case '"':
        return '"';
    case '\\':
        return '\\';
    default:
        return 0;
    }
}

static void add_escaped_char(struct strbuf *buf, unsigned char c)
{
    char letter = short_escape(c);

    if (letter != 0) {
        const char escape[2] = {'\\', letter};
        strbuf_add(buf, escape, sizeof(escape));
    } else {
        /* Lower-case digits: the grammar of canonical JSON demands them. */
        static const char digits[] = "0123456789abcdef";
        const char escape[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
        strbuf_add(buf, escape, sizeof(escape));
    }
}

void strbuf_add_json_string(struct strbuf *buf, const char *text, size_t length)
{
    size_t plain = 0; /* start of the run that needs no escape */

    strbuf_add_char(buf, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        strbuf_add(buf, text + plain, i - plain);
        add_escaped_char(buf, c);
        plain = i + 1;
    }
    strbuf_add(buf, text + plain, length - plain);
    strbuf_add_char(buf, '"');
}

void strbuf_truncate(struct strbuf *buf, size_t length)
{
    if (length < buf->length) {
        buf->length = length;
        buf->data[length] = '\0';
    }
}

char *strbuf_detach(struct strbuf *buf, size_t *length_out)
{
    char *data = buf->data;

    if (data == empty) {
        data = calloc(1, 1);
        if (data == NULL)
            abort();
    }
    if (length_out != NULL)
        *length_out = buf->length;
    strbuf_init(buf, buf->limit_bytes);
    return data;
}

void strbuf_add_html(struct strbuf *buf, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            strbuf_add_string(buf, "&lt;");
            break;
        case '>':
            strbuf_add_string(buf, "&gt;");
            break;
        case '&':
            strbuf_add_string(buf, "&amp;");
            break;
        case '"':
            strbuf_add_string(buf, "&quot;");
            break;
        case '\'':
            strbuf_add_string(buf, "&#39;");
            break;
        default:
            strbuf_add_char(buf, *text);
        }
    }
}
