#ifndef HOMESERVER_BASE_CACHE_H
#define HOMESERVER_BASE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A cache of immutable, reference-counted values: sharded, with a limit in bytes, dropping what was
 * not used for longest. Keys are bytes. Thread-safe.
 *
 * The cache holds one reference to each value and hands out others: a value that is dropped lives
 * on as long as somebody uses it.
 */
struct cache;

struct cache_options {
    const char *name; /* a literal: the label of the metrics (hits, misses, bytes) */
    size_t limit_bytes;
    bool is_whole;                /* few, large values: the limit is not divided among shards */
    void (*acquire)(void *value); /* one more reference */
    void (*release)(void *value); /* one less */
};

struct cache *cache_create(const struct cache_options *options);
void cache_destroy(struct cache *cache);

/* NULL, or the value with a reference for the caller. */
void *cache_get(struct cache *cache, const void *key, size_t key_size);

/* Adds or replaces; takes a reference of its own. `bytes` is what the value costs, all included.
 * A value larger than a sixteenth of the limit, or than a whole one, is not kept. */
void cache_put(struct cache *cache, const void *key, size_t key_size, void *value, size_t bytes);

void cache_remove(struct cache *cache, const void *key, size_t key_size);
void cache_clear(struct cache *cache);

size_t cache_bytes(struct cache *cache);

#endif
