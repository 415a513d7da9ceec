/* Content types and file names. Spec: client-server API, "Content repository"; RFC 6266, 8187. */
#include "homeserver/media/content_headers.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/base/utf8.h"

enum { TYPE_CHARS_MAX = 255, NAME_BYTES_MAX = 255 };

static const char unknown_type[] = "application/octet-stream";

/* RFC 9110 5.6.2. */
static bool is_token_char(char c)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static size_t token_length(const char *text)
{
    size_t length = 0;

    while (is_token_char(text[length]))
        length++;
    return length;
}

const char *content_type_clean(const char *sent)
{
    if (sent == NULL || strlen(sent) > TYPE_CHARS_MAX)
        return unknown_type;
    size_t type = token_length(sent);
    size_t subtype = sent[type] == '/' ? token_length(sent + type + 1) : 0;
    const char *rest = sent + type + 1 + subtype;
    if (type == 0 || subtype == 0 || memchr(sent, '*', type + 1 + subtype) != NULL ||
        strchr(" ;", *rest) == NULL)
        return unknown_type;
    for (const char *c = rest; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e)
            return unknown_type;
    }
    return sent;
}

bool content_type_is_inline(const char *type)
{
    static const char *const shown[] = {
        "text/css",     "text/plain", "text/csv",    "application/json", "application/ld+json",
        "image/jpeg",   "image/gif",  "image/png",   "image/apng",       "image/webp",
        "image/avif",   "video/mp4",  "video/webm",  "video/ogg",        "video/quicktime",
        "audio/mp4",    "audio/webm", "audio/aac",   "audio/mpeg",       "audio/ogg",
        "audio/wave",   "audio/wav",  "audio/x-wav", "audio/x-pn-wav",   "audio/flac",
        "audio/x-flac",
    };
    size_t length = strcspn(type, "; ");

    for (size_t i = 0; i < COUNT_OF(shown); i++) {
        if (strlen(shown[i]) == length && strncasecmp(shown[i], type, length) == 0)
            return true;
    }
    return false;
}

/* RFC 8187: what is not an attr-char is percent-encoded. */
static const char *extended_value(struct arena *arena, const char *name)
{
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = arena_alloc(arena, 3 * strlen(name) + 1);
    size_t used = 0;

    for (const char *c = name; *c != '\0'; c++) {
        if (isalnum((unsigned char)*c) || strchr("!#$&+-.^_`|~", *c) != NULL) {
            encoded[used++] = *c;
        } else {
            encoded[used++] = '%';
            encoded[used++] = digits[(unsigned char)*c >> 4];
            encoded[used++] = digits[(unsigned char)*c & 15];
        }
    }
    encoded[used] = '\0';
    return encoded;
}

static const char *quoted_value(struct arena *arena, const char *name)
{
    char *quoted = arena_alloc(arena, 2 * strlen(name) + 3);
    size_t used = 0;

    quoted[used++] = '"';
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            quoted[used++] = '\\';
        quoted[used++] = *c;
    }
    quoted[used++] = '"';
    quoted[used] = '\0';
    return quoted;
}

const char *content_disposition(struct arena *arena, const char *type, const char *file_name)
{
    const char *kind = content_type_is_inline(type) ? "inline" : "attachment";
    bool is_ascii = true;

    if (file_name == NULL)
        return kind;
    for (const char *c = file_name; *c != '\0'; c++)
        is_ascii = is_ascii && *c >= 0x20 && *c < 0x7f;
    if (!is_ascii)
        return arena_printf(arena, "%s; filename*=utf-8''%s", kind,
                            extended_value(arena, file_name));
    if (file_name[token_length(file_name)] == '\0' && file_name[0] != '\0')
        return arena_printf(arena, "%s; filename=%s", kind, file_name);
    return arena_printf(arena, "%s; filename=%s", kind, quoted_value(arena, file_name));
}

const char *file_name_clean(struct arena *arena, const char *sent)
{
    if (sent == NULL || !utf8_is_valid(sent, strlen(sent)))
        return NULL;
    const char *slash = strrchr(sent, '/');
    char *name = arena_strdup(arena, slash == NULL ? sent : slash + 1);
    size_t used = 0;

    for (const char *c = name; *c != '\0'; c++) {
        if ((unsigned char)*c >= 0x20 && *c != 0x7f)
            name[used++] = *c;
    }
    if (used > NAME_BYTES_MAX) {
        used = NAME_BYTES_MAX;
        while (used > 0 && ((unsigned char)name[used] & 0xc0) == 0x80)
            used--; /* not inside a character */
    }
    name[used] = '\0';
    return used == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? NULL : name;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* charset'language'value, of which only UTF-8 is spoken; NULL when it is none. */
static const char *decode_extended(struct arena *arena, const char *text)
{
    const char *language = strchr(text, '\'');
    const char *value = language == NULL ? NULL : strchr(language + 1, '\'');

    if (value == NULL || strncasecmp(text, "utf-8'", 6) != 0)
        return NULL;
    char *decoded = arena_strdup(arena, value + 1);
    size_t used = 0;
    for (const char *c = value + 1; *c != '\0'; c++) {
        int high = *c == '%' ? hex_digit(c[1]) : -1;
        int low = high >= 0 ? hex_digit(c[2]) : -1;
        decoded[used++] = low >= 0 ? (char)(high * 16 + low) : *c;
        c += low >= 0 ? 2 : 0;
    }
    decoded[used] = '\0';
    return strlen(decoded) == used ? decoded : NULL;
}

/* A token or a quoted string at *text, which moves behind it. */
static const char *take_value(struct arena *arena, const char **text)
{
    const char *c = *text;
    char *value = arena_strdup(arena, c);
    size_t used = 0;

    if (*c != '"') {
        used = strcspn(c, "; \t");
        *text = c + used;
    } else {
        for (c++; *c != '\0' && *c != '"'; c++) {
            if (*c == '\\' && c[1] != '\0')
                c++;
            value[used++] = *c;
        }
        *text = *c == '"' ? c + 1 : c;
    }
    value[used] = '\0';
    return value;
}

const char *content_disposition_name(struct arena *arena, const char *header)
{
    const char *plain = NULL;
    const char *extended = NULL;
    const char *c = header == NULL ? NULL : strchr(header, ';');

    while (c != NULL && *c != '\0') {
        c += strspn(c, "; \t");
        size_t length = token_length(c);
        const char *name = c;
        c += length;
        if (*c != '=') {
            c = strchr(c, ';');
            continue;
        }
        c++;
        const char *value = take_value(arena, &c);
        if (length == 8 && strncasecmp(name, "filename", 8) == 0)
            plain = value;
        if (length == 9 && strncasecmp(name, "filename*", 9) == 0)
            extended = decode_extended(arena, value);
        c = strchr(c, ';');
    }
    return file_name_clean(arena, extended != NULL ? extended : plain);
}
