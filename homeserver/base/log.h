#ifndef HOMESERVER_BASE_LOG_H
#define HOMESERVER_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/base/compiler.h"

/*
 * One line per event on stderr, as logfmt or JSON. Levels:
 *   error  an operator must act        warn  we coped
 *   info   start, stop, one line per request or transaction        debug  free
 * Never logged: tokens, passwords, keys, message content, e-mail addresses.
 * Text from outside is escaped and cut by the logger.
 */
enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

enum log_category {
    LOG_SERVER,
    LOG_HTTP,
    LOG_DATABASE,
    LOG_ROOMS,
    LOG_ACCOUNTS,
    LOG_SYNC,
    LOG_FEDERATION,
    LOG_MEDIA,
    LOG_PUSH,
    LOG_APPSERVICE,
    LOG_JOBS,
};

/* Called once at start and on a configuration reload. */
void log_configure(enum log_level level, bool as_json);
bool log_enabled(enum log_level level);

/* Every line of this thread says `request=… user=…` until this is cleared. Both are copied (the
 * user cut at 255 bytes); no user is "", no request clears. */
void log_set_context(const char *request_id, const char *user_id);

/* For a thread that logs a line for each of very many small things: its lines of level info are
 * collected here, and written when it says so, before a warning, or when the buffer is full. */
enum { LOG_COLLECTED_BYTES = 4096 }; /* PIPE_BUF: a pipe's reader never gets a torn line */

struct log_collected {
    size_t size;
    char bytes[LOG_COLLECTED_BYTES];
};

/* `collected` belongs to the caller, zeroed; NULL ends it. */
void log_collect(struct log_collected *collected);
void log_write_collected(void);

void log_write(enum log_level level, enum log_category category, const char *format, ...)
    PRINTF_LIKE(3, 4);

#define log_debug(category, ...) log_write(LOG_LEVEL_DEBUG, (category), __VA_ARGS__)
#define log_info(category, ...)  log_write(LOG_LEVEL_INFO, (category), __VA_ARGS__)
#define log_warn(category, ...)  log_write(LOG_LEVEL_WARN, (category), __VA_ARGS__)
#define log_error(category, ...) log_write(LOG_LEVEL_ERROR, (category), __VA_ARGS__)

#endif
