#ifndef HOMESERVER_BASE_ARRAY_H
#define HOMESERVER_BASE_ARRAY_H

#include <stddef.h>

#include "homeserver/base/arena.h"

/*
 * Typed growable arrays on an arena.
 *
 *     ARRAY_OF(const char *) ids = {0};
 *     array_push(arena, &ids, id);
 *     for (size_t i = 0; i < ids.count; i++) … ids.items[i] …
 */
#define ARRAY_OF(type)                                                                             \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count;                                                                              \
        size_t capacity;                                                                           \
    }

/* The old items stay in the arena until it is reset: doubling keeps that below the final size. */
static inline void *array_grow(struct arena *arena, void *items, size_t count, size_t capacity,
                               size_t element_size)
{
    void *grown = arena_alloc_array(arena, capacity, element_size);

    if (count > 0)
        memcpy(grown, items, count * element_size);
    return grown;
}

#define array_reserve(arena, array, wanted)                                                        \
    do {                                                                                           \
        if ((array)->capacity < (wanted)) {                                                        \
            (array)->items = array_grow((arena), (array)->items, (array)->count, (wanted),         \
                                        sizeof(*(array)->items));                                  \
            (array)->capacity = (wanted);                                                          \
        }                                                                                          \
    } while (0)

#define array_push(arena, array, item)                                                             \
    do {                                                                                           \
        if ((array)->count == (array)->capacity)                                                   \
            array_reserve((arena), (array), (array)->capacity > 0 ? (array)->capacity * 2 : 8);    \
        (array)->items[(array)->count++] = (item);                                                 \
    } while (0)

#endif
