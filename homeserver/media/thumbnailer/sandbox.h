#ifndef HOMESERVER_MEDIA_THUMBNAILER_SANDBOX_H
#define HOMESERVER_MEDIA_THUMBNAILER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* What a decoder may use up before the kernel ends it. */
struct sandbox_limits {
    size_t memory_bytes;
    unsigned cpu_seconds;
    size_t output_bytes; /* of the file it writes */
};

/* Before libraries are loaded: limits, and no descriptor but the first three. */
bool sandbox_limit(const struct sandbox_limits *limits);

/* From here on this process computes on what it has: it opens no file and no socket, starts no
 * program, signals nobody. False when the kernel does not help: then go no further. */
bool sandbox_enter(void);

#endif
