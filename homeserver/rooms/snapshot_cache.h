#ifndef HOMESERVER_ROOMS_SNAPSHOT_CACHE_H
#define HOMESERVER_ROOMS_SNAPSHOT_CACHE_H

#include <stddef.h>
#include <stdint.h>

struct cache;
struct state_map;

/*
 * The states of the snapshots used last, by number. Branches of a room ask for the same few again
 * and again. A snapshot never changes, so what is here is never wrong. Thread-safe.
 */

/* `entries_max` bounds the sum of the maps' entries, as if they shared nothing. To be ended with
 * cache_destroy(). */
struct cache *snapshot_cache_create(size_t entries_max);

/* An acquired map, or NULL when it is not here. */
struct state_map *snapshot_cache_find(struct cache *cache, int64_t snapshot_nid);

/* The cache takes a reference of its own. */
void snapshot_cache_add(struct cache *cache, int64_t snapshot_nid, struct state_map *map);

#endif
