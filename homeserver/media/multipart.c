/* Reading multipart/mixed piece by piece. */
#include "homeserver/media/multipart.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    BOUNDARY_CHARS_MAX = 70, /* RFC 2046, 5.1.1 */
    HEADERS_BYTES_MAX = 16 << 10,
    PREAMBLE_BYTES_MAX = 16 << 10,
};

enum state { PREAMBLE, AFTER_BOUNDARY, HEADERS, DATA, EPILOGUE };

struct multipart {
    struct multipart_listener listener;
    enum state state;
    size_t part;                            /* the number of the one being read */
    size_t skipped;                         /* of the preamble */
    char delimiter[BOUNDARY_CHARS_MAX + 5]; /* CRLF -- boundary */
    size_t delimiter_size;
    char *held; /* bytes that could not be told apart yet */
    size_t held_size;
    size_t held_capacity;
};

/* The value of `boundary=` in the parameters of the type. */
static bool read_boundary(const char *content_type, char out[BOUNDARY_CHARS_MAX + 1])
{
    static const char name[] = "boundary=";
    const char *c = strchr(content_type, ';');

    while (c != NULL) {
        c += 1 + strspn(c + 1, " \t");
        if (strncasecmp(c, name, sizeof(name) - 1) == 0)
            break;
        c = strchr(c, ';');
    }
    if (c == NULL)
        return false;
    c += sizeof(name) - 1;
    size_t length = *c == '"' ? strcspn(++c, "\"") : strcspn(c, "; \t");
    if (length == 0 || length > BOUNDARY_CHARS_MAX)
        return false;
    memcpy(out, c, length);
    out[length] = '\0';
    return true;
}

struct multipart *multipart_create(const char *content_type,
                                   const struct multipart_listener *listener)
{
    static const char type[] = "multipart/mixed";
    char boundary[BOUNDARY_CHARS_MAX + 1];

    if (content_type == NULL || strncasecmp(content_type, type, sizeof(type) - 1) != 0 ||
        !read_boundary(content_type, boundary))
        return NULL;
    struct multipart *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        abort();
    reader->listener = *listener;
    memcpy(reader->delimiter, "\r\n--", 4);
    memcpy(reader->delimiter + 4, boundary, strlen(boundary) + 1);
    reader->delimiter_size = 4 + strlen(boundary);
    return reader;
}

void multipart_destroy(struct multipart *reader)
{
    if (reader == NULL)
        return;
    free(reader->held);
    free(reader);
}

bool multipart_is_complete(const struct multipart *reader)
{
    return reader->state == EPILOGUE;
}

static void hold(struct multipart *reader, const void *bytes, size_t size)
{
    size_t needed = reader->held_size + size;

    if (needed > reader->held_capacity) {
        char *grown = realloc(reader->held, needed);
        if (grown == NULL)
            abort();
        reader->held = grown;
        reader->held_capacity = needed;
    }
    memcpy(reader->held + reader->held_size, bytes, size);
    reader->held_size = needed;
}

static void drop(struct multipart *reader, size_t size)
{
    reader->held_size -= size;
    memmove(reader->held, reader->held + size, reader->held_size);
}

/* Each step consumes something held and returns OK with *again, or waits for more. */
static enum errcode step_preamble(struct multipart *reader, bool *again)
{
    /* The first boundary may stand at the very start, without a line break before it. */
    const char *first = reader->delimiter + 2;
    size_t size = reader->delimiter_size - 2;
    const char *found = memmem(reader->held, reader->held_size, first, size);

    *again = found != NULL;
    if (found != NULL) {
        drop(reader, (size_t)(found - reader->held) + size);
        reader->state = AFTER_BOUNDARY;
    } else if (reader->held_size > size) {
        reader->skipped += reader->held_size - size;
        drop(reader, reader->held_size - size);
    }
    return reader->skipped > PREAMBLE_BYTES_MAX ? E_REMOTE : OK;
}

/* "--" ends everything, a line break begins a part; white space may stand before it. */
static enum errcode step_after_boundary(struct multipart *reader, bool *again)
{
    size_t spaces = 0;

    *again = false;
    while (spaces < reader->held_size &&
           (reader->held[spaces] == ' ' || reader->held[spaces] == '\t'))
        spaces++;
    if (spaces > HEADERS_BYTES_MAX)
        return E_REMOTE;
    if (reader->held_size - spaces < 2)
        return OK;
    bool is_end = memcmp(reader->held, "--", 2) == 0;
    if (!is_end && memcmp(reader->held + spaces, "\r\n", 2) != 0)
        return E_REMOTE;
    reader->state = is_end ? EPILOGUE : HEADERS;
    /* The line break stays: headers end with two of them, also when there are none. */
    drop(reader, is_end ? reader->held_size : spaces);
    *again = !is_end;
    return OK;
}

static enum errcode step_headers(struct multipart *reader, bool *again)
{
    char *end = memmem(reader->held, reader->held_size, "\r\n\r\n", 4);

    *again = end != NULL;
    if (end == NULL)
        return reader->held_size > HEADERS_BYTES_MAX ? E_REMOTE : OK;
    *end = '\0';
    const char *headers = end - reader->held >= 2 ? reader->held + 2 : "";
    if (strlen(reader->held) != (size_t)(end - reader->held))
        return E_REMOTE; /* a NUL inside */
    TRY(reader->listener.on_part(reader->listener.context, reader->part, headers));
    drop(reader, (size_t)(end - reader->held) + 4);
    reader->state = DATA;
    return OK;
}

static enum errcode pass_on(struct multipart *reader, size_t size)
{
    if (size > 0)
        TRY(reader->listener.on_data(reader->listener.context, reader->part, reader->held, size));
    drop(reader, size);
    return OK;
}

static enum errcode step_data(struct multipart *reader, bool *again)
{
    const char *found =
        memmem(reader->held, reader->held_size, reader->delimiter, reader->delimiter_size);

    *again = found != NULL;
    if (found == NULL)
        return reader->held_size < reader->delimiter_size
                   ? OK
                   : pass_on(reader, reader->held_size - reader->delimiter_size + 1);
    TRY(pass_on(reader, (size_t)(found - reader->held)));
    drop(reader, reader->delimiter_size);
    reader->part++;
    reader->state = AFTER_BOUNDARY;
    return OK;
}

enum errcode multipart_feed(struct multipart *reader, const void *bytes, size_t size)
{
    static enum errcode (*const steps[])(struct multipart *, bool *) = {
        [PREAMBLE] = step_preamble,
        [AFTER_BOUNDARY] = step_after_boundary,
        [HEADERS] = step_headers,
        [DATA] = step_data,
    };
    bool again = true;

    if (reader->state == EPILOGUE || size == 0)
        return OK;
    hold(reader, bytes, size);
    while (again && reader->state != EPILOGUE)
        TRY(steps[reader->state](reader, &again));
    return OK;
}

bool multipart_header(const char *headers, const char *name, char *out, size_t size)
{
    size_t length = strlen(name);

    for (const char *line = headers; line != NULL && *line != '\0';) {
        const char *end = strstr(line, "\r\n");
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            const char *value = line + length + 1;
            value += strspn(value, " \t");
            size_t used = end == NULL ? strlen(value) : (size_t)(end - value);
            used = used < size ? used : size - 1;
            memcpy(out, value, used);
            out[used] = '\0';
            return true;
        }
        line = end == NULL ? NULL : end + 2;
    }
    return false;
}
