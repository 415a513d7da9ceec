/* The scanner over the members of a JSON object. */
#include "homeserver/protocol/json_scan.h"

#include <string.h>

bool json_span_equals(struct json_span span, const char *text)
{
    return span.size == strlen(text) && memcmp(span.bytes, text, span.size) == 0;
}

int json_span_compare(struct json_span span, const char *text)
{
    size_t length = strlen(text);
    size_t shared = span.size < length ? span.size : length;
    int order = memcmp(span.bytes, text, shared);

    if (order != 0)
        return order;
    return (span.size > length) - (span.size < length);
}

static bool is_escaped(const char *quote, const char *start)
{
    const char *escape = quote;

    while (escape > start && escape[-1] == '\\')
        escape--;
    return (quote - escape) % 2 == 1;
}

/* Behind the string that begins at `position`; NULL when it does not end. Most bytes of an event
 * are in strings: memchr() makes this the fast path. */
static const char *skip_string(const char *position, const char *end)
{
    const char *start = position + 1, *quote = start;

    while ((quote = memchr(quote, '"', (size_t)(end - quote))) != NULL) {
        if (!is_escaped(quote, start))
            return quote + 1;
        quote++;
    }
    return NULL;
}

/* Behind the object or array that begins at `position`; NULL when it does not end. */
static const char *skip_container(const char *position, const char *end)
{
    size_t depth = 0;

    while (position < end) {
        char c = *position;
        if (c == '"') {
            position = skip_string(position, end);
            if (position == NULL)
                return NULL;
            continue;
        }
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        position++;
        if (depth == 0)
            return position;
    }
    return NULL;
}

/* Behind a number, true, false or null; NULL when there is nothing. */
static const char *skip_scalar(const char *position, const char *end)
{
    const char *start = position;

    while (position < end && *position != ',' && *position != '}' && *position != ']')
        position++;
    return position > start ? position : NULL;
}

static const char *skip_value(const char *position, const char *end)
{
    if (position == end)
        return NULL;
    if (*position == '"')
        return skip_string(position, end);
    if (*position == '{' || *position == '[')
        return skip_container(position, end);
    return skip_scalar(position, end);
}

void json_scan_start(struct json_scan *scan, struct json_span object)
{
    *scan = (struct json_scan){.position = object.bytes};
    if (object.size < 2 || object.bytes[0] != '{' || object.bytes[object.size - 1] != '}') {
        scan->failed = true;
        scan->end = scan->position;
        return;
    }
    scan->position++;
    scan->end = object.bytes + object.size - 1; /* the closing brace */
}

static bool stop(struct json_scan *scan)
{
    scan->failed = true;
    scan->position = scan->end;
    return false;
}

bool json_scan_next(struct json_scan *scan, struct json_member *out)
{
    const char *name = scan->position;

    if (name == scan->end)
        return false;
    const char *colon = *name == '"' ? skip_string(name, scan->end) : NULL;
    if (colon == NULL || colon == scan->end || *colon != ':')
        return stop(scan);
    const char *value = colon + 1, *after = skip_value(value, scan->end);
    if (after == NULL || (after < scan->end && *after != ','))
        return stop(scan);
    out->name = (struct json_span){name + 1, (size_t)(colon - name) - 2};
    out->value = (struct json_span){value, (size_t)(after - value)};
    scan->position = after < scan->end ? after + 1 : after;
    return true;
}

static const char *skip_space(const char *position, const char *end)
{
    while (position < end &&
           (*position == ' ' || *position == '\t' || *position == '\r' || *position == '\n'))
        position++;
    return position;
}

void json_parts_start(struct json_parts *parts, struct json_span container)
{
    const char *end = container.bytes + container.size;
    const char *open = skip_space(container.bytes, end);

    *parts = (struct json_parts){.position = open, .end = end};
    if (open == end || (*open != '{' && *open != '['))
        parts->failed = true;
    else
        parts->close = *parts->position++ == '{' ? '}' : ']';
}

static bool fail_parts(struct json_parts *parts)
{
    parts->failed = true;
    return false;
}

/* Behind the name and its colon, at the value; NULL when that is not what is there. */
static const char *read_name(const struct json_parts *parts, const char *position,
                             struct json_span *out)
{
    const char *behind = *position == '"' ? skip_string(position, parts->end) : NULL;

    if (behind == NULL)
        return NULL;
    *out = (struct json_span){position + 1, (size_t)(behind - position) - 2};
    behind = skip_space(behind, parts->end);
    return behind < parts->end && *behind == ':' ? skip_space(behind + 1, parts->end) : NULL;
}

bool json_parts_next(struct json_parts *parts, struct json_member *out)
{
    const char *value, *behind;

    *out = (struct json_member){0};
    if (parts->failed || parts->close == '\0')
        return false;
    value = skip_space(parts->position, parts->end);
    if (value < parts->end && *value == parts->close) {
        parts->close = '\0';
        return false;
    }
    if (parts->is_begun && value < parts->end && *value == ',')
        value = skip_space(value + 1, parts->end);
    else if (parts->is_begun)
        return fail_parts(parts);
    if (value < parts->end && parts->close == '}')
        value = read_name(parts, value, &out->name);
    behind = value != NULL ? skip_value(value, parts->end) : NULL;
    if (behind == NULL)
        return fail_parts(parts);
    parts->is_begun = true;
    parts->position = behind;
    while (behind > value && skip_space(behind - 1, behind) == behind)
        behind--; /* a number ends before the space that follows it */
    out->value = (struct json_span){value, (size_t)(behind - value)};
    return true;
}
