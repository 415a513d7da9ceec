/* States by the numbers of their snapshots. */
#include "homeserver/rooms/snapshot_cache.h"

#include "homeserver/base/cache.h"
#include "homeserver/protocol/state_map.h"

enum { ENTRY_BYTES = 24 }; /* two words and a share of the nodes above */

static void acquire(void *map)
{
    state_map_acquire(map);
}

static void release(void *map)
{
    state_map_release(map);
}

struct cache *snapshot_cache_create(size_t entries_max)
{
    const struct cache_options options = {
        .name = "snapshots",
        .limit_bytes = entries_max * ENTRY_BYTES,
        .is_whole = true,
        .acquire = acquire,
        .release = release,
    };

    return cache_create(&options);
}

struct state_map *snapshot_cache_find(struct cache *cache, int64_t snapshot_nid)
{
    return cache_get(cache, &snapshot_nid, sizeof(snapshot_nid));
}

void snapshot_cache_add(struct cache *cache, int64_t snapshot_nid, struct state_map *map)
{
    if (map != NULL)
        cache_put(cache, &snapshot_nid, sizeof(snapshot_nid), map,
                  state_map_count(map) * ENTRY_BYTES);
}
