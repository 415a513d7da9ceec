/* The error table and the text that goes with a failure. */
#include "homeserver/base/error.h"

#include <inttypes.h>
#include <stdarg.h>

struct errcode_row {
    int http_status;
    const char *wire_name;
    const char *text;
};

static const struct errcode_row rows[ERRCODE_COUNT] = {[OK] = {200, "", ""},
#define ERRCODE_ROW(name, status, wire, text) [name] = {status, wire, text},
                                                       ERRCODE_TABLE(ERRCODE_ROW)
#undef ERRCODE_ROW
};

int errcode_http_status(enum errcode code)
{
    return rows[code].http_status;
}

const char *errcode_wire_name(enum errcode code)
{
    return rows[code].wire_name;
}

const char *errcode_default_text(enum errcode code)
{
    return rows[code].text;
}

bool errcode_is_internal(enum errcode code)
{
    return code >= E_CONFLICT;
}

enum errcode fail(struct error *error, enum errcode code, const char *format, ...)
{
    if (error != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(error->text, sizeof(error->text), format, args);
        va_end(args);
    }
    return code;
}

/* Appends a whole member or nothing, so that `fields` is always valid JSON members. */
static void add_field(struct error *error, const char *member)
{
    size_t used = strlen(error->fields);
    size_t needed = strlen(member) + (used > 0 ? 1 : 0);

    if (used + needed >= sizeof(error->fields))
        return;
    snprintf(error->fields + used, sizeof(error->fields) - used, "%s%s", used > 0 ? "," : "",
             member);
}

void error_set_int(struct error *error, const char *name, int64_t value)
{
    char member[128];

    if (error == NULL)
        return;
    snprintf(member, sizeof(member), "\"%s\":%" PRId64, name, value);
    add_field(error, member);
}

void error_set_bool(struct error *error, const char *name, bool value)
{
    char member[128];

    if (error == NULL)
        return;
    snprintf(member, sizeof(member), "\"%s\":%s", name, value ? "true" : "false");
    add_field(error, member);
}

/* Writes `text` as a JSON string; false when it does not fit. */
static bool escape_into(char *out, size_t size, const char *text)
{
    size_t used = 0;

    for (const char *c = text; *c != '\0'; c++) {
        char escaped[8];
        if (*c == '"' || *c == '\\')
            snprintf(escaped, sizeof(escaped), "\\%c", *c);
        else if ((unsigned char)*c < 0x20)
            snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned)(unsigned char)*c);
        else
            snprintf(escaped, sizeof(escaped), "%c", *c);
        size_t length = strlen(escaped);
        if (used + length + 1 > size)
            return false;
        memcpy(out + used, escaped, length);
        used += length;
    }
    out[used] = '\0';
    return true;
}

void error_set_string(struct error *error, const char *name, const char *value)
{
    char escaped[768];
    char member[896];

    if (error == NULL || !escape_into(escaped, sizeof(escaped), value))
        return;
    snprintf(member, sizeof(member), "\"%s\":\"%s\"", name, escaped);
    add_field(error, member);
}

void error_clear(struct error *error)
{
    error->http_status = 0;
    error->text[0] = '\0';
    error->fields[0] = '\0';
}
