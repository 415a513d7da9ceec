/*
 * Parsing with limits, typed getters and dotted paths over jansson.
 * jansson itself nests up to 2,048 levels and recurses; the scan before it keeps the stack small.
 */
#include "homeserver/protocol/json.h"

#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"

static void release_json(void *json)
{
    json_decref(json);
}

json_t *json_on_arena(struct arena *arena, json_t *json_owned)
{
    if (json_owned != NULL)
        arena_defer(arena, release_json, json_owned);
    return json_owned;
}

const char *json_compact(struct arena *arena, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);

    arena_defer(arena, free, text);
    return text;
}

/* Counts brackets outside strings. Malformed text may be judged wrongly here; jansson refuses it
 * afterwards. */
static bool is_nested_too_deep(const char *bytes, size_t size)
{
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth++;
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
        if (depth > JSON_NESTING_MAX)
            return true;
    }
    return false;
}

/* The text is JSON, but one that nobody should send: parsers differ on what it means. */
static enum errcode problem_code(const json_error_t *problem)
{
    enum json_error_code code = json_error_code(problem);

    if (code == json_error_duplicate_key || code == json_error_numeric_overflow ||
        code == json_error_null_byte_in_key)
        return M_BAD_JSON;
    return M_NOT_JSON;
}

enum errcode json_parse(struct arena *arena, const char *bytes, size_t size, struct error *error,
                        json_t **out)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY;
    json_error_t problem;

    if (is_nested_too_deep(bytes, size))
        return fail(error, M_BAD_JSON, "The JSON is nested more than %d levels deep.",
                    JSON_NESTING_MAX);
    json_t *json = json_loadb(bytes, size, flags, &problem);
    if (json == NULL)
        return fail(error, problem_code(&problem), "This is not valid JSON: %s (at byte %d).",
                    problem.text, problem.position);
    *out = json_on_arena(arena, json);
    return OK;
}

enum errcode json_parse_object(struct arena *arena, const char *bytes, size_t size,
                               struct error *error, json_t **out)
{
    json_t *json;

    TRY(json_parse(arena, bytes, size, error, &json));
    if (!json_is_object(json))
        return fail(error, M_BAD_JSON, "A JSON object is expected.");
    *out = json;
    return OK;
}

bool json_is_text(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

const char *json_text(const json_t *value)
{
    return json_is_text(value) ? json_string_value(value) : NULL;
}

const char *json_get_string(const json_t *object, const char *name)
{
    return json_text(json_object_get(object, name));
}

json_t *json_get_object(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    return json_is_object(value) ? value : NULL;
}

json_t *json_get_array(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    return json_is_array(value) ? value : NULL;
}

bool json_get_int(const json_t *object, const char *name, int64_t *out)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_integer(value))
        return false;
    *out = json_integer_value(value);
    return true;
}

bool json_get_bool(const json_t *object, const char *name, bool fallback)
{
    const json_t *value = json_object_get(object, name);

    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

static enum errcode refuse_member(struct error *error, const char *name, const char *kind)
{
    return fail(error, M_BAD_JSON, "The member \"%s\" must be there and be %s.", name, kind);
}

enum errcode json_require_string(const json_t *object, const char *name, struct error *error,
                                 const char **out)
{
    const char *value = json_get_string(object, name);

    if (value == NULL)
        return refuse_member(error, name, "a string without NUL");
    *out = value;
    return OK;
}

enum errcode json_require_object(const json_t *object, const char *name, struct error *error,
                                 json_t **out)
{
    json_t *value = json_get_object(object, name);

    if (value == NULL)
        return refuse_member(error, name, "an object");
    *out = value;
    return OK;
}

enum errcode json_require_array(const json_t *object, const char *name, struct error *error,
                                json_t **out)
{
    json_t *value = json_get_array(object, name);

    if (value == NULL)
        return refuse_member(error, name, "an array");
    *out = value;
    return OK;
}

enum errcode json_require_int(const json_t *object, const char *name, struct error *error,
                              int64_t *out)
{
    return json_get_int(object, name, out) ? OK : refuse_member(error, name, "an integer");
}

struct json_path json_path_parse(struct arena *arena, const char *text)
{
    /* The names, each with its NUL, never need more room than the text. */
    char *write = arena_alloc(arena, strlen(text) + 1);
    ARRAY_OF(const char *) names = {0};

    array_push(arena, &names, write);
    for (; *text != '\0'; text++) {
        if (*text == '.') {
            *write++ = '\0';
            array_push(arena, &names, write);
            continue;
        }
        if (text[0] == '\\' && (text[1] == '.' || text[1] == '\\'))
            text++;
        *write++ = *text;
    }
    return (struct json_path){.names = names.items, .count = names.count};
}

json_t *json_path_get(json_t *root, struct json_path path)
{
    json_t *value = root;

    for (size_t i = 0; i < path.count && value != NULL; i++)
        value = json_object_get(value, path.names[i]);
    return value;
}
