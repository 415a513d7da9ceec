/*
 * The writer of canonical JSON.
 * Spec: appendix "Canonical JSON"; room version 6 for when it is enforced.
 * It walks with an explicit stack: the members still to be written of all open objects share one
 * growing array of sorted keys.
 */
#include "homeserver/protocol/canonical_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/json.h"

/* An object or array that is being written. */
struct frame {
    const json_t *container;
    size_t first_key; /* objects: where its keys start in writer.keys */
    size_t next;      /* members or elements written so far */
};

struct writer {
    struct strbuf *out;
    struct error *error;
    enum canonical_json_rules rules;
    struct frame frames[JSON_NESTING_MAX];
    size_t depth;
    const char **keys; /* jansson's own key texts, which lead back to the value */
    size_t key_count;
    size_t key_capacity;
};

enum {
    DOUBLE_DIGITS_MAX = 17,
    /* Python's repr() switches to an exponent from 1e16 on and below 1e-4. */
    POINT_MAX = 16,
    POINT_MIN = -3,
};

static bool is_omitted(const char *const *omitted, const char *key)
{
    for (; omitted != NULL && *omitted != NULL; omitted++) {
        if (strcmp(*omitted, key) == 0)
            return true;
    }
    return false;
}

static size_t key_length(const char *key)
{
    return json_object_iter_key_len(json_object_key_to_iter(key));
}

/* Byte order of UTF-8 is code point order. */
static int compare_keys(const void *a, const void *b)
{
    const char *left = *(const char *const *)a, *right = *(const char *const *)b;
    size_t left_length = key_length(left), right_length = key_length(right);
    size_t shared = left_length < right_length ? left_length : right_length;
    int order = memcmp(left, right, shared);

    if (order != 0)
        return order;
    return (left_length > right_length) - (left_length < right_length);
}

static void push_key(struct writer *writer, const char *key)
{
    if (writer->key_count == writer->key_capacity) {
        size_t capacity = writer->key_capacity > 0 ? writer->key_capacity * 2 : 64;
        const char **keys = realloc(writer->keys, capacity * sizeof(*keys));
        if (keys == NULL)
            abort();
        writer->keys = keys;
        writer->key_capacity = capacity;
    }
    writer->keys[writer->key_count++] = key;
}

static enum errcode open_container(struct writer *writer, const json_t *container,
                                   const char *const *omitted)
{
    const char *key;
    json_t *value;

    if (writer->depth == JSON_NESTING_MAX)
        return fail(writer->error, M_BAD_JSON, "The JSON is nested more than %d levels deep.",
                    JSON_NESTING_MAX);
    struct frame *frame = &writer->frames[writer->depth++];
    *frame = (struct frame){.container = container, .first_key = writer->key_count};
    if (json_is_array(container)) {
        strbuf_add_char(writer->out, '[');
        return OK;
    }
    strbuf_add_char(writer->out, '{');
    json_object_foreach ((json_t *)(uintptr_t)container, key, value) {
        if (!is_omitted(omitted, key))
            push_key(writer, key);
    }
    if (writer->key_count > frame->first_key)
        qsort(writer->keys + frame->first_key, writer->key_count - frame->first_key,
              sizeof(*writer->keys), compare_keys);
    return OK;
}

static enum errcode write_integer(struct writer *writer, int64_t value)
{
    if (writer->rules == CANONICAL_JSON_STRICT &&
        (value > JSON_SAFE_INTEGER_MAX || value < -JSON_SAFE_INTEGER_MAX))
        return fail(writer->error, M_BAD_JSON, "The integer %" PRId64 " is out of range.", value);
    strbuf_add_int(writer->out, value);
    return OK;
}

/* Adds one to the last digit of "1.23e+04"; false when all are nines. */
static bool round_up(char *text)
{
    for (char *c = strchr(text, 'e') - 1; c >= text; c--) {
        if (*c == '9')
            *c = '0';
        else if (*c != '.') {
            ++*c;
            return true;
        }
    }
    return false;
}

static bool reads_back(const char *text, double value)
{
    return strtod(text, NULL) == value;
}

/* The fewest decimal digits that read back as `value` (positive), without point, and the place of
 * the point: value = 0.DIGITS x 10^point. */
static int shortest_digits(double value, char digits[DOUBLE_DIGITS_MAX + 1], int *point_out)
{
    char text[40];

    for (int precision = 0; precision < DOUBLE_DIGITS_MAX; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, value);
        /* Above a power of two the doubles lie twice as far apart as below: there the nearest
         * decimal may fail and the next one up succeed. */
        if (reads_back(text, value) || (round_up(text) && reads_back(text, value)))
            break;
    }
    int count = 0;
    for (const char *c = text; *c != 'e'; c++) {
        if (*c >= '0' && *c <= '9')
            digits[count++] = *c;
    }
    digits[count] = '\0';
    *point_out = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
    return count;
}

static void write_zeros(struct strbuf *out, int count)
{
    for (int i = 0; i < count; i++)
        strbuf_add_char(out, '0');
}

/* As Python's repr(): 1.0, 0.0001, 1e-05, 1.5e+16. */
static void write_real(struct strbuf *out, double value)
{
    char digits[DOUBLE_DIGITS_MAX + 1];
    int point;

    if (signbit(value))
        strbuf_add_char(out, '-');
    if (fpclassify(value) == FP_ZERO) {
        strbuf_add_string(out, "0.0");
        return;
    }
    int count = shortest_digits(fabs(value), digits, &point);
    if (point > POINT_MAX || point < POINT_MIN) {
        strbuf_add(out, digits, 1);
        if (count > 1)
            strbuf_printf(out, ".%s", digits + 1);
        strbuf_printf(out, "e%+03d", point - 1);
    } else if (point <= 0) {
        strbuf_add_string(out, "0.");
        write_zeros(out, -point);
        strbuf_add_string(out, digits);
    } else if (point >= count) {
        strbuf_add_string(out, digits);
        write_zeros(out, point - count);
        strbuf_add_string(out, ".0");
    } else {
        strbuf_printf(out, "%.*s.%s", point, digits, digits + point);
    }
}

static enum errcode write_value(struct writer *writer, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return open_container(writer, value, NULL);
    case JSON_STRING:
        strbuf_add_json_string(writer->out, json_string_value(value), json_string_length(value));
        return OK;
    case JSON_INTEGER:
        return write_integer(writer, json_integer_value(value));
    case JSON_REAL:
        if (writer->rules == CANONICAL_JSON_STRICT)
            return fail(writer->error, M_BAD_JSON, "Numbers with a fraction are not allowed.");
        write_real(writer->out, json_real_value(value));
        return OK;
    case JSON_TRUE:
        strbuf_add_string(writer->out, "true");
        return OK;
    case JSON_FALSE:
        strbuf_add_string(writer->out, "false");
        return OK;
    case JSON_NULL:
    default:
        strbuf_add_string(writer->out, "null");
        return OK;
    }
}

static void close_container(struct writer *writer, const struct frame *frame)
{
    strbuf_add_char(writer->out, json_is_array(frame->container) ? ']' : '}');
    writer->key_count = frame->first_key;
    writer->depth--;
}

/* The next member or element of the innermost container, or its end. */
static enum errcode write_next(struct writer *writer)
{
    struct frame *frame = &writer->frames[writer->depth - 1];
    bool is_array = json_is_array(frame->container);
    size_t count =
        is_array ? json_array_size(frame->container) : writer->key_count - frame->first_key;

    if (frame->next == count) {
        close_container(writer, frame);
        return OK;
    }
    if (frame->next > 0)
        strbuf_add_char(writer->out, ',');
    if (is_array)
        return write_value(writer, json_array_get(frame->container, frame->next++));
    const char *key = writer->keys[frame->first_key + frame->next++];
    strbuf_add_json_string(writer->out, key, key_length(key));
    strbuf_add_char(writer->out, ':');
    return write_value(writer, json_object_iter_value(json_object_key_to_iter(key)));
}

static enum errcode run_writer(struct writer *writer)
{
    while (writer->depth > 0 && !writer->out->overflowed)
        TRY(write_next(writer));
    if (writer->out->overflowed)
        return fail(writer->error, M_TOO_LARGE, "The JSON is too large.");
    return OK;
}

enum errcode canonical_json_write(const json_t *value, enum canonical_json_rules rules,
                                  struct strbuf *out, struct error *error)
{
    struct writer writer = {.out = out, .error = error, .rules = rules};
    enum errcode code = write_value(&writer, value);

    if (code == OK)
        code = run_writer(&writer);
    free(writer.keys);
    return code;
}

enum errcode canonical_json_write_without(const json_t *object, const char *const *omitted,
                                          enum canonical_json_rules rules, struct strbuf *out,
                                          struct error *error)
{
    struct writer writer = {.out = out, .error = error, .rules = rules};
    enum errcode code = open_container(&writer, object, omitted);

    if (code == OK)
        code = run_writer(&writer);
    free(writer.keys);
    return code;
}
