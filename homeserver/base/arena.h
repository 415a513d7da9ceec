#ifndef HOMESERVER_BASE_ARENA_H
#define HOMESERVER_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "homeserver/base/compiler.h"

/*
 * A bump allocator with deferred releases: everything that lives as long as one request, one job
 * or one batch is allocated here and freed at once. Not thread-safe: one arena, one thread at a
 * time.
 *
 * Allocation never returns NULL: when the process has no memory left it aborts with a message.
 * Sizes that a client controls must be checked by the caller before.
 */
struct arena;

struct arena *arena_create(void);

/* For what lives long and is small: the first block has so many bytes, not 4 KiB. */
struct arena *arena_create_sized(size_t first_bytes);

/* Runs the deferred releases, newest first, and frees everything. NULL is allowed. */
void arena_destroy(struct arena *arena);

/* For SCOPED(arena_release) struct arena *arena = arena_create(); */
void arena_release(struct arena **arena);

/* Like destroy, but keeps the first block for the next user of this arena. */
void arena_reset(struct arena *arena);

/* Zeroed memory, aligned for any type. size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size);

/* Room for `count` elements; aborts when the product overflows. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t element_size);

#define ARENA_NEW(arena, type)          ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, count, type) ((type *)arena_alloc_array((arena), (count), sizeof(type)))

char *arena_strdup(struct arena *arena, const char *text);

/* Copies `length` bytes and adds a NUL. */
char *arena_strndup(struct arena *arena, const char *text, size_t length);
void *arena_memdup(struct arena *arena, const void *bytes, size_t size);

char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *arena, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* Calls release(object) when the arena is reset or destroyed. */
void arena_defer(struct arena *arena, void (*release)(void *), void *object);

/* Bytes handed out since the last reset; for budgets and tests. */
size_t arena_bytes_used(const struct arena *arena);

#endif
