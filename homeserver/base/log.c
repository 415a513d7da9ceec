/* The logger: formats one line in a local buffer and writes it with one write(2), or with others
 * where many are collected. */
#include "homeserver/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 2048, MESSAGE_BYTES_MAX = 1024, CONTEXT_BYTES_MAX = 256 };

struct context {
    char request_id[CONTEXT_BYTES_MAX]; /* "": there is none */
    char user_id[CONTEXT_BYTES_MAX];
};

static _Atomic int minimum_level = LOG_LEVEL_INFO;
static _Atomic bool json_lines;
static _Thread_local struct context context;
static _Thread_local struct log_collected *collected;

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};

static const char *const category_names[] = {
    [LOG_SERVER] = "server",         [LOG_HTTP] = "http",         [LOG_DATABASE] = "database",
    [LOG_ROOMS] = "rooms",           [LOG_ACCOUNTS] = "accounts", [LOG_SYNC] = "sync",
    [LOG_FEDERATION] = "federation", [LOG_MEDIA] = "media",       [LOG_PUSH] = "push",
    [LOG_APPSERVICE] = "appservice", [LOG_JOBS] = "jobs",
};

void log_configure(enum log_level level, bool as_json)
{
    atomic_store(&minimum_level, (int)level);
    atomic_store(&json_lines, as_json);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load(&minimum_level);
}

static void copy_text(char out[CONTEXT_BYTES_MAX], const char *text)
{
    size_t length = strnlen(text, CONTEXT_BYTES_MAX - 1);

    memcpy(out, text, length);
    out[length] = '\0';
}

void log_set_context(const char *request_id, const char *user_id)
{
    copy_text(context.request_id, request_id != NULL ? request_id : "");
    copy_text(context.user_id, request_id != NULL ? user_id : "");
}

/* Copies `text` so that it can stand between double quotes on one line: text from outside must not
 * be able to forge a line or to send commands to a terminal. Returns the bytes written. */
static size_t escape_into(char *out, size_t size, const char *text)
{
    size_t used = 0;

    for (const char *c = text; *c != '\0' && used + 7 < size; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte == '"' || byte == '\\')
            used += (size_t)snprintf(out + used, size - used, "\\%c", *c);
        else if (byte < 0x20 || byte == 0x7f)
            used += (size_t)snprintf(out + used, size - used, "\\u%04x", (unsigned)byte);
        else
            out[used++] = *c;
    }
    out[used] = '\0';
    return used;
}

static void format_time(char *out, size_t size)
{
    static _Thread_local time_t known; /* the second that `seconds` tells */
    static _Thread_local char seconds[32];
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != known) {
        gmtime_r(&now.tv_sec, &utc);
        strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc);
        known = now.tv_sec;
    }
    snprintf(out, size, "%s.%03ldZ", seconds, now.tv_nsec / 1000000);
}

/* The fields of the line's context, to stand between double quotes. */
static void format_context(char *out, size_t size)
{
    char text[2 * CONTEXT_BYTES_MAX + 16] = "";

    if (context.request_id[0] != '\0')
        snprintf(text, sizeof(text), "request=%s%s%s", context.request_id,
                 context.user_id[0] == '\0' ? "" : " user=", context.user_id);
    escape_into(out, size, text);
}

/* A full or closed stderr must not stop the server: there is nobody left to tell. */
static void write_out(const char *bytes, size_t size)
{
    if (write(STDERR_FILENO, bytes, size) < 0)
        return;
}

void log_write_collected(void)
{
    if (collected == NULL || collected->size == 0)
        return;
    write_out(collected->bytes, collected->size);
    collected->size = 0;
}

void log_collect(struct log_collected *out)
{
    log_write_collected();
    collected = out;
}

static void put_line(enum log_level level, const char *line, size_t size)
{
    if (collected != NULL &&
        (level > LOG_LEVEL_INFO || collected->size + size > LOG_COLLECTED_BYTES))
        log_write_collected();
    if (collected == NULL || level > LOG_LEVEL_INFO) {
        write_out(line, size);
        return;
    }
    memcpy(collected->bytes + collected->size, line, size);
    collected->size += size;
}

void log_write(enum log_level level, enum log_category category, const char *format, ...)
{
    char message[MESSAGE_BYTES_MAX], escaped[MESSAGE_BYTES_MAX], when[48], line[LINE_BYTES_MAX];
    char fields[2 * CONTEXT_BYTES_MAX + 64];
    va_list args;

    if (!log_enabled(level))
        return;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    escape_into(escaped, sizeof(escaped), message);
    format_time(when, sizeof(when));
    format_context(fields, sizeof(fields));

    int length =
        snprintf(line, sizeof(line),
                 atomic_load(&json_lines)
                     ? "{\"time\":\"%s\",\"level\":\"%s\",\"category\":\"%s\",\"context\":\"%s\","
                       "\"message\":\"%s\"}\n"
                     : "%s level=%s category=%s %s message=\"%s\"\n",
                 when, level_names[level], category_names[category], fields, escaped);
    if (length <= 0)
        return;
    size_t size = (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1;
    line[size - 1] = '\n';
    put_line(level, line, size);
}
