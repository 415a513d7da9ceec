/* Reading an HTTP/1.1 answer. */
#include <strings.h>

#include "tests/bench/http_loop.h"

/* The value of a header, behind its blanks; NULL when it is not there. */
static const char *find_header(const char *head, const char *end, const char *name)
{
    size_t length = strlen(name);

    for (const char *line = head; line < end;) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        if (line_end == NULL)
            return NULL;
        if ((size_t)(line_end - line) > length && line[length] == ':' &&
            strncasecmp(line, name, length) == 0) {
            const char *value = line + length + 1;
            while (*value == ' ')
                value++;
            return value;
        }
        line = line_end + 1;
    }
    return NULL;
}

/* Moves the chunks together; the size of the coded body, 0 when it is not complete, or -1. */
static int64_t join_chunks(char *body, size_t size, size_t *joined_out)
{
    size_t at = 0, joined = 0;

    for (;;) {
        char *line_end = memchr(body + at, '\n', size - at);
        if (line_end == NULL)
            return 0;
        char *digits_end;
        unsigned long chunk = strtoul(body + at, &digits_end, 16);
        if (digits_end == body + at)
            return -1;
        at = (size_t)(line_end - body) + 1;
        if (chunk > size || size - at < chunk + 2)
            return 0;
        memmove(body + joined, body + at, chunk);
        joined += chunk;
        at += chunk + 2;
        if (chunk == 0) {
            *joined_out = joined;
            return (int64_t)at;
        }
    }
}

/* Joining moves bytes, so it is done once, when the end of the last chunk is there. */
static bool chunks_are_complete(const char *body, size_t size)
{
    return size >= 5 && memcmp(body + size - 5, "0\r\n\r\n", 5) == 0;
}

int64_t http_message_read(char *bytes, size_t size, struct http_message *out)
{
    char *head_end = memmem(bytes, size, "\r\n\r\n", 4);
    const char *value;

    if (head_end == NULL)
        return 0;
    if (size < 12 || memcmp(bytes, "HTTP/1.", 7) != 0)
        return -1;
    *out = (struct http_message){.status = (int)strtol(bytes + 9, NULL, 10)};
    const char *end = head_end + 2;
    value = find_header(bytes, end, "Connection");
    out->keep_alive = value == NULL || strncasecmp(value, "close", 5) != 0;
    out->body_offset = (size_t)(head_end - bytes) + 4;
    size_t there = size - out->body_offset;
    value = find_header(bytes, end, "Content-Length");
    if (value != NULL) {
        out->body_size = strtoul(value, NULL, 10);
        return there >= out->body_size ? (int64_t)(out->body_offset + out->body_size) : 0;
    }
    if (find_header(bytes, end, "Transfer-Encoding") == NULL)
        return (int64_t)out->body_offset;
    char *body = bytes + out->body_offset;
    if (!chunks_are_complete(body, there))
        return 0;
    int64_t coded = join_chunks(body, there, &out->body_size);
    return coded > 0 ? (int64_t)out->body_offset + coded : coded;
}
