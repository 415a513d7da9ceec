#ifndef HOMESERVER_ROOMS_CACHED_EVENT_H
#define HOMESERVER_ROOMS_CACHED_EVENT_H

#include <stdint.h>

#include "homeserver/call.h"
#include "homeserver/protocol/event.h"

/*
 * Parsed events shared between threads: those that the rules look at again and again (create, power
 * levels, members). Immutable and reference counted.
 */
struct cached_event;

/* Takes the arena that `event` lives on. Starts with one reference. */
struct cached_event *cached_event_create(struct arena *arena_owned, const struct event *event,
                                         int64_t event_nid);
struct cached_event *cached_event_acquire(struct cached_event *cached);
void cached_event_release(struct cached_event *cached);

/* NULL for NULL. Borrowed from the reference. */
const struct event *cached_event_get(const struct cached_event *cached);
/* Its place in the timeline; 0 while it is not committed. */
int64_t cached_event_position(const struct cached_event *cached);
void cached_event_set_position(struct cached_event *cached, int64_t position);
int64_t cached_event_nid(const struct cached_event *cached);

/* A stored event as the rules look at it: `rejected` is set. */
struct stored_event;
enum errcode stored_event_parse(struct arena *arena, const struct room_version *version,
                                const struct stored_event *stored,
                                const struct event **out) MUST_CHECK;

/* The most recently used ones, by event_nid. Thread-safe. */
struct event_cache;
struct event_cache *event_cache_create(size_t events_max);
void event_cache_destroy(struct event_cache *cache);

/* Finds or loads an event; `*out` is acquired. M_NOT_FOUND when it is not stored. */
enum errcode event_cache_load(struct event_cache *cache, struct call *call,
                              const struct room_version *version, int64_t event_nid,
                              struct cached_event **out) MUST_CHECK;

/* An event that has just been built; the cache takes a reference of its own. Of members, which are
 * many, it keeps only what is asked of them: not the graph, and not `json`. */
void event_cache_add(struct event_cache *cache, struct cached_event *cached);

/* Forgets an event whose stored form changed (it was redacted). */
void event_cache_remove(struct event_cache *cache, int64_t event_nid);

#endif
