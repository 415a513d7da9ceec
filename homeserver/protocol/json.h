#ifndef HOMESERVER_PROTOCOL_JSON_H
#define HOMESERVER_PROTOCOL_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;

/*
 * What the project adds to jansson: parsing with limits, typed reading, dotted paths.
 *
 * A getter that returns `const char *` never returns text with an embedded NUL: JSON allows U+0000
 * in strings, C does not, and a text cut short is a security hole. Such a member counts as
 * "not a string" for identifiers; read free text with json_string_value() and json_string_length().
 */
enum {
    /* Objects and arrays within each other. Everything that walks JSON here may rely on it. */
    JSON_NESTING_MAX = 100,
};

/* Integers that every JSON implementation keeps exactly (appendix "Canonical JSON"). */
#define JSON_SAFE_INTEGER_MAX ((INT64_C(1) << 53) - 1)

/* Ties the reference to the arena and returns it, now borrowed. NULL is passed through. */
json_t *json_on_arena(struct arena *arena, json_t *json_owned);

/* The value as text without spaces, on the arena; NULL for NULL and for what can not be written. */
const char *json_compact(struct arena *arena, const json_t *value);

/* Parses any JSON value; `*out` is borrowed from the arena. M_NOT_JSON with a text for people when
 * the bytes are not UTF-8 JSON; M_BAD_JSON when they hold a member twice, a number beyond 64 bits
 * or U+0000 in a name, or are nested deeper than JSON_NESTING_MAX. Sizes are the caller's affair.
 */
enum errcode json_parse(struct arena *arena, const char *bytes, size_t size, struct error *error,
                        json_t **out) MUST_CHECK;

/* The same, and M_BAD_JSON when the value is not an object. */
enum errcode json_parse_object(struct arena *arena, const char *bytes, size_t size,
                               struct error *error, json_t **out) MUST_CHECK;

/* True when the text is a string without U+0000, so that json_string_value() shows all of it. */
bool json_is_text(const json_t *value);
/* That text, borrowed; NULL when the value is no text. */
const char *json_text(const json_t *value);

/* Members of an object, NULL / false when it is absent or of another type. `object` may be NULL or
 * no object. The results are borrowed from it. */
const char *json_get_string(const json_t *object, const char *name);
json_t *json_get_object(const json_t *object, const char *name);
json_t *json_get_array(const json_t *object, const char *name);
bool json_get_int(const json_t *object, const char *name, int64_t *out);
bool json_get_bool(const json_t *object, const char *name, bool fallback);

/* The same for members that must be there: M_BAD_JSON, and a text that names the member. */
enum errcode json_require_string(const json_t *object, const char *name, struct error *error,
                                 const char **out) MUST_CHECK;
enum errcode json_require_object(const json_t *object, const char *name, struct error *error,
                                 json_t **out) MUST_CHECK;
enum errcode json_require_array(const json_t *object, const char *name, struct error *error,
                                json_t **out) MUST_CHECK;
enum errcode json_require_int(const json_t *object, const char *name, struct error *error,
                              int64_t *out) MUST_CHECK;

/*
 * Dotted property paths (appendix "Dot-separated property paths"):
 * `content.m\.relates_to.rel_type`.
 * `\.` is a dot and `\\` a backslash inside a name; before anything else a backslash is itself.
 */
struct json_path {
    const char *const *names;
    size_t count; /* at least 1: the empty path is one empty name */
};

/* The names live on the arena. */
struct json_path json_path_parse(struct arena *arena, const char *text);

/* Follows the path through objects; NULL when it leads nowhere. Borrowed from `root`. */
json_t *json_path_get(json_t *root, struct json_path path);

#endif
