#ifndef HOMESERVER_ROOMS_SNAPSHOT_CACHE_H
#define HOMESERVER_ROOMS_SNAPSHOT_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/protocol/state_map.h"

/*
 * The states of the snapshots used last, by number. Branches of a room ask for the same few again
 * and again. A snapshot never changes, so what is here is never wrong. Thread-safe.
 */
struct snapshot_cache;

/* `entries_max` bounds the sum of the maps' entries, as if they shared nothing. */
struct snapshot_cache *snapshot_cache_create(size_t entries_max);
void snapshot_cache_destroy(struct snapshot_cache *cache);

/* An acquired map, or NULL when it is not here. */
struct state_map *snapshot_cache_find(struct snapshot_cache *cache, int64_t snapshot_nid);

/* The cache takes a reference of its own. */
void snapshot_cache_add(struct snapshot_cache *cache, int64_t snapshot_nid, struct state_map *map);

#endif
