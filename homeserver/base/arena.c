/* Bump allocator: a list of blocks, each twice as large as the one before up to a limit. */
#include "homeserver/base/arena.h"

#include <stdint.h>

enum { FIRST_BLOCK_BYTES = 4096, BLOCK_BYTES_MAX = 1 << 20, ALIGNMENT = 16 };

struct block {
    struct block *next; /* older block */
    size_t size;        /* bytes in data */
    size_t used;
    _Alignas(ALIGNMENT) unsigned char data[];
};

struct deferred {
    struct deferred *next;
    void (*release)(void *);
    void *object;
};

struct arena {
    struct block *blocks; /* newest first; the last one is kept by arena_reset */
    struct deferred *deferred;
    size_t bytes_used;
};

static NORETURN void out_of_memory(size_t size)
{
    fprintf(stderr, "<2>beffroi: out of memory: %zu bytes could not be allocated; stopping.\n",
            size);
    abort();
}

static struct block *block_create(size_t size)
{
    struct block *block = malloc(sizeof(*block) + size);

    if (block == NULL)
        out_of_memory(size);
    block->next = NULL;
    block->size = size;
    block->used = 0;
    return block;
}

struct arena *arena_create_sized(size_t first_bytes)
{
    struct arena *arena = calloc(1, sizeof(*arena));

    if (arena == NULL)
        out_of_memory(sizeof(*arena));
    arena->blocks = block_create(first_bytes);
    return arena;
}

struct arena *arena_create(void)
{
    return arena_create_sized(FIRST_BLOCK_BYTES);
}

void arena_reset(struct arena *arena)
{
    while (arena->deferred != NULL) {
        struct deferred *deferred = arena->deferred;
        arena->deferred = deferred->next;
        deferred->release(deferred->object);
    }
    while (arena->blocks->next != NULL) {
        struct block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
    arena->blocks->used = 0;
    arena->bytes_used = 0;
}

void arena_destroy(struct arena *arena)
{
    if (arena == NULL)
        return;
    arena_reset(arena);
    free(arena->blocks);
    free(arena);
}

void arena_release(struct arena **arena)
{
    arena_destroy(*arena);
    *arena = NULL;
}

static struct block *add_block(struct arena *arena, size_t needed)
{
    size_t size = arena->blocks->size * 2;

    if (size > BLOCK_BYTES_MAX)
        size = BLOCK_BYTES_MAX;
    if (size < needed)
        size = needed;
    struct block *block = block_create(size);
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

static void *alloc_uncleared(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        out_of_memory(size);
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct block *block = arena->blocks;

    if (block->size - block->used < rounded)
        block = add_block(arena, rounded);
    void *memory = block->data + block->used;
    block->used += rounded;
    arena->bytes_used += rounded;
    return memory;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(alloc_uncleared(arena, size), 0, size);
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t element_size)
{
    size_t size;

    if (__builtin_mul_overflow(count, element_size, &size))
        out_of_memory(SIZE_MAX);
    return arena_alloc(arena, size);
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
    char *copy = alloc_uncleared(arena, length + 1);

    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

void *arena_memdup(struct arena *arena, const void *bytes, size_t size)
{
    void *copy = alloc_uncleared(arena, size);

    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    struct block *block = arena->blocks;
    char *place = (char *)block->data + block->used;
    size_t room = block->size - block->used;
    va_list measure;

    /* Mostly there is room already, and once is enough. */
    va_copy(measure, args);
    int length = vsnprintf(place, room, format, measure);
    va_end(measure);
    if (length < 0)
        return arena_strdup(arena, "");
    char *text = alloc_uncleared(arena, (size_t)length + 1);
    if (text != place)
        vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

void arena_defer(struct arena *arena, void (*release)(void *), void *object)
{
    struct deferred *deferred = ARENA_NEW(arena, struct deferred);

    deferred->release = release;
    deferred->object = object;
    deferred->next = arena->deferred;
    arena->deferred = deferred;
}

size_t arena_bytes_used(const struct arena *arena)
{
    return arena->bytes_used;
}
