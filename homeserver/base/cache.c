/*
 * Sixteen shards, each a hash table (uthash) and a list in order of use under one lock. uthash
 * keeps its items in a list in the order of insertion: using an item deletes and adds it again, so
 * the first one is always the one to drop.
 */
#include "homeserver/base/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/compiler.h"
#include "homeserver/base/metrics.h"

#define uthash_fatal(message) abort()
#include <uthash.h>

enum { SHARDS = 16 };

struct item {
    UT_hash_handle hh;
    void *value;
    size_t bytes;
    size_t key_size;
    unsigned char key[];
};

struct shard {
    pthread_mutex_t lock;
    struct item *items;
    size_t bytes;
};

struct cache {
    struct cache_options options;
    size_t shard_count;
    size_t shard_limit_bytes;
    struct metric_counter *hits;
    struct metric_counter *misses;
    struct metric_gauge *bytes;
    struct shard shards[SHARDS];
};

static NORETURN void out_of_memory(void)
{
    fprintf(stderr, "<2>beffroi: out of memory in a cache; stopping.\n");
    abort();
}

struct cache *cache_create(const struct cache_options *options)
{
    struct cache *cache = calloc(1, sizeof(*cache));
    char labels[64];

    if (cache == NULL)
        out_of_memory();
    cache->options = *options;
    cache->shard_count = options->is_whole ? 1 : SHARDS;
    cache->shard_limit_bytes = options->limit_bytes / cache->shard_count;
    snprintf(labels, sizeof(labels), "cache=\"%s\"", options->name);
    cache->hits = metrics_counter("beffroi_cache_hits_total", "Found in a cache.", labels);
    cache->misses = metrics_counter("beffroi_cache_misses_total", "Not found in a cache.", labels);
    cache->bytes = metrics_gauge("beffroi_cache_bytes", "Size of a cache.", labels);
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&cache->shards[i].lock, NULL);
    return cache;
}

void cache_destroy(struct cache *cache)
{
    if (cache == NULL)
        return;
    cache_clear(cache);
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_destroy(&cache->shards[i].lock);
    free(cache);
}

static struct shard *lock_shard(struct cache *cache, const void *key, size_t key_size)
{
    unsigned hash;

    HASH_FNV(key, key_size, hash);
    struct shard *shard = &cache->shards[hash % cache->shard_count];
    pthread_mutex_lock(&shard->lock);
    return shard;
}

static struct item *find_locked(const struct shard *shard, const void *key, size_t key_size)
{
    struct item *item;

    HASH_FIND(hh, shard->items, key, key_size, item);
    return item;
}

static void add_locked(struct cache *cache, struct shard *shard, struct item *item)
{
    HASH_ADD_KEYPTR(hh, shard->items, item->key, item->key_size, item);
    shard->bytes += item->bytes;
    metric_change(cache->bytes, (int64_t)item->bytes);
}

static void unlink_locked(struct cache *cache, struct shard *shard, struct item *item)
{
    HASH_DELETE(hh, shard->items, item);
    shard->bytes -= item->bytes;
    metric_change(cache->bytes, -(int64_t)item->bytes);
}

static void drop_locked(struct cache *cache, struct shard *shard, struct item *item)
{
    unlink_locked(cache, shard, item);
    cache->options.release(item->value);
    free(item);
}

void *cache_get(struct cache *cache, const void *key, size_t key_size)
{
    struct shard *shard = lock_shard(cache, key, key_size);
    struct item *item = find_locked(shard, key, key_size);
    void *value = NULL;

    if (item != NULL) {
        value = item->value;
        cache->options.acquire(value);
        unlink_locked(cache, shard, item);
        add_locked(cache, shard, item);
    }
    pthread_mutex_unlock(&shard->lock);
    metric_count(value != NULL ? cache->hits : cache->misses, 1);
    return value;
}

static struct item *new_item(struct cache *cache, const void *key, size_t key_size, void *value,
                             size_t bytes)
{
    struct item *item = calloc(1, sizeof(*item) + key_size);

    if (item == NULL)
        out_of_memory();
    memcpy(item->key, key, key_size);
    item->key_size = key_size;
    item->value = value;
    item->bytes = bytes;
    cache->options.acquire(value);
    return item;
}

void cache_put(struct cache *cache, const void *key, size_t key_size, void *value, size_t bytes)
{
    size_t limit_bytes = cache->shard_limit_bytes;
    size_t cost = bytes + sizeof(struct item) + key_size;

    if (cost > limit_bytes)
        return;
    struct item *item = new_item(cache, key, key_size, value, cost);
    struct shard *shard = lock_shard(cache, key, key_size);
    struct item *old = find_locked(shard, key, key_size);
    if (old != NULL)
        drop_locked(cache, shard, old);
    while (shard->bytes + cost > limit_bytes)
        drop_locked(cache, shard, shard->items);
    add_locked(cache, shard, item);
    pthread_mutex_unlock(&shard->lock);
}

void cache_remove(struct cache *cache, const void *key, size_t key_size)
{
    struct shard *shard = lock_shard(cache, key, key_size);
    struct item *item = find_locked(shard, key, key_size);

    if (item != NULL)
        drop_locked(cache, shard, item);
    pthread_mutex_unlock(&shard->lock);
}

void cache_clear(struct cache *cache)
{
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &cache->shards[i];
        pthread_mutex_lock(&shard->lock);
        while (shard->items != NULL)
            drop_locked(cache, shard, shard->items);
        pthread_mutex_unlock(&shard->lock);
    }
}

size_t cache_bytes(struct cache *cache)
{
    size_t bytes = 0;

    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&cache->shards[i].lock);
        bytes += cache->shards[i].bytes;
        pthread_mutex_unlock(&cache->shards[i].lock);
    }
    return bytes;
}
