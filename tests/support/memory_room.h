#ifndef TESTS_SUPPORT_MEMORY_ROOM_H
#define TESTS_SUPPORT_MEMORY_ROOM_H

#include <stdint.h>

#include "homeserver/base/array.h"
#include "homeserver/protocol/event_graph.h"

struct arena;
struct event;
struct map;

struct citations {
    int64_t *items;
    size_t count;
    size_t capacity;
};

/* A store of events for state resolution: references are places in an array, from 1. */
struct memory_room {
    struct arena *arena;
    ARRAY_OF(const struct event *) events;
    ARRAY_OF(struct citations) cited_by; /* see memory_room_index() */
    struct map *refs;                    /* event ID -> ref */
    struct map *keys;                    /* type US state_key -> key */
    struct event_source source;
    size_t fetched; /* how often `source` was asked for an event */
};

struct memory_room *memory_room_create(struct arena *arena);

/* Whether the source offers the `cited_by` index; without, it offers `prefetch`. */
void memory_room_use_index(struct memory_room *room, bool use_index);

/* Auth events that are not there yet are not known to the index. */
int64_t memory_room_add(struct memory_room *room, const struct event *event);

/* Makes the index anew, for events that were added before those they cite. */
void memory_room_index(struct memory_room *room);

int64_t memory_room_ref(const struct memory_room *room, const char *event_id);
const struct event *memory_room_event(const struct memory_room *room, int64_t ref);
int64_t memory_room_key(struct memory_room *room, const char *type, const char *state_key);

/* `*state` becomes the state with this event in it. */
void memory_room_apply(struct memory_room *room, struct state_map **state, int64_t ref);

#endif
