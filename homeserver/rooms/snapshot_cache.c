/* A hash by number in order of use: what is used moves to the end. */
#include "homeserver/rooms/snapshot_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <uthash.h>

struct slot {
    int64_t snapshot_nid;
    struct state_map *map;
    UT_hash_handle hh;
};

struct snapshot_cache {
    pthread_mutex_t lock;
    struct slot *slots;
    size_t entries;
    size_t entries_max;
};

struct snapshot_cache *snapshot_cache_create(size_t entries_max)
{
    struct snapshot_cache *cache = calloc(1, sizeof(*cache));

    if (cache == NULL)
        abort();
    pthread_mutex_init(&cache->lock, NULL);
    cache->entries_max = entries_max;
    return cache;
}

/* A slot costs something too. */
static size_t entries_of(const struct slot *slot)
{
    return state_map_count(slot->map) + 8;
}

static void drop(struct snapshot_cache *cache, struct slot *slot)
{
    HASH_DEL(cache->slots, slot);
    cache->entries -= entries_of(slot);
    state_map_release(slot->map);
    free(slot);
}

void snapshot_cache_destroy(struct snapshot_cache *cache)
{
    struct slot *slot, *next;

    if (cache == NULL)
        return;
    HASH_ITER (hh, cache->slots, slot, next)
        drop(cache, slot);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

struct state_map *snapshot_cache_find(struct snapshot_cache *cache, int64_t snapshot_nid)
{
    struct state_map *map = NULL;
    struct slot *slot;

    pthread_mutex_lock(&cache->lock);
    HASH_FIND(hh, cache->slots, &snapshot_nid, sizeof(snapshot_nid), slot);
    if (slot != NULL) {
        HASH_DEL(cache->slots, slot);
        HASH_ADD(hh, cache->slots, snapshot_nid, sizeof(slot->snapshot_nid), slot);
        map = state_map_acquire(slot->map);
    }
    pthread_mutex_unlock(&cache->lock);
    return map;
}

void snapshot_cache_add(struct snapshot_cache *cache, int64_t snapshot_nid, struct state_map *map)
{
    struct slot *slot;

    if (map == NULL)
        return;
    pthread_mutex_lock(&cache->lock);
    HASH_FIND(hh, cache->slots, &snapshot_nid, sizeof(snapshot_nid), slot);
    if (slot == NULL) {
        slot = calloc(1, sizeof(*slot));
        if (slot == NULL)
            abort();
        slot->snapshot_nid = snapshot_nid;
        slot->map = state_map_acquire(map);
        HASH_ADD(hh, cache->slots, snapshot_nid, sizeof(slot->snapshot_nid), slot);
        cache->entries += entries_of(slot);
        while (cache->entries > cache->entries_max && cache->slots != slot)
            drop(cache, cache->slots);
    }
    pthread_mutex_unlock(&cache->lock);
}
