#ifndef HOMESERVER_PROTOCOL_JSON_SCAN_H
#define HOMESERVER_PROTOCOL_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Walks the members of one JSON object in its text, without building a tree: for cutting answers
 * from canonical bytes that were checked before they were stored. There must be no white space.
 * On any other text it stops with `failed`; it never reads past the end.
 */
struct json_span {
    const char *bytes;
    size_t size;
};

struct json_member {
    struct json_span name;  /* as written: escaped, without the quotes */
    struct json_span value; /* as written */
};

struct json_scan {
    const char *position;
    const char *end;
    bool failed;
};

/* Begins with an object's text, braces included. */
void json_scan_start(struct json_scan *scan, struct json_span object);

/* The next member; false at the end of the object and on failure. */
bool json_scan_next(struct json_scan *scan, struct json_member *out);

/* True when the span is exactly this text. */
bool json_span_equals(struct json_span span, const char *text);

/* Below, at or above zero as strcmp(), in the order of canonical JSON. `text` consists of
 * lower-case letters and `_`: every escaped character sorts before those, in its escaped form as
 * well. */
int json_span_compare(struct json_span span, const char *text);

/*
 * The same for the text of an object or an array as somebody sent it, white space and all, to cut a
 * large one into parts that are parsed one by one. It finds where parts end and checks no more:
 * they are to be parsed. `name` is empty for elements of arrays.
 */
struct json_parts {
    const char *position;
    const char *end;
    char close; /* the bracket that ends it */
    bool is_begun;
    bool failed;
};

void json_parts_start(struct json_parts *parts, struct json_span container);
/* False at the end and on failure; what is behind the end is not looked at. */
bool json_parts_next(struct json_parts *parts, struct json_member *out);

#endif
