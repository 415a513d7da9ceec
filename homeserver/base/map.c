/* String-keyed map: open addressing over entries linked in order of insertion. */
#include "homeserver/base/map.h"

#include <pthread.h>
#include <sodium.h>

#include "homeserver/base/arena.h"

struct entry {
    struct map_entry public; /* first: map_next() casts back */
    struct entry *next;
    uint64_t hash;
};

struct map {
    struct arena *arena;
    struct entry **slots;
    size_t slot_count; /* power of two */
    size_t count;
    struct entry *first;
    struct entry *last;
};

static unsigned char hash_key[crypto_shorthash_KEYBYTES];

static void make_hash_key(void)
{
    crypto_shorthash_keygen(hash_key);
}

static uint64_t hash_text(const char *text)
{
    uint64_t hash;

    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)text, strlen(text), hash_key);
    return hash;
}

struct map *map_create(struct arena *arena)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct map *map = ARENA_NEW(arena, struct map);

    pthread_once(&once, make_hash_key);
    map->arena = arena;
    map->slot_count = 16;
    map->slots = ARENA_ARRAY(arena, map->slot_count, struct entry *);
    return map;
}

/* The slot that holds `key`, or the free one where it belongs. */
static struct entry **find_slot(const struct map *map, const char *key, uint64_t hash)
{
    size_t i = hash & (map->slot_count - 1);

    while (map->slots[i] != NULL &&
           (map->slots[i]->hash != hash || strcmp(map->slots[i]->public.key, key) != 0))
        i = (i + 1) & (map->slot_count - 1);
    return &map->slots[i];
}

static void grow(struct map *map)
{
    map->slot_count *= 2;
    map->slots = ARENA_ARRAY(map->arena, map->slot_count, struct entry *);
    for (struct entry *entry = map->first; entry != NULL; entry = entry->next)
        *find_slot(map, entry->public.key, entry->hash) = entry;
}

void map_set(struct map *map, const char *key, void *value)
{
    uint64_t hash = hash_text(key);
    struct entry **slot = find_slot(map, key, hash);

    if (*slot != NULL) {
        (*slot)->public.value = value;
        return;
    }
    struct entry *entry = ARENA_NEW(map->arena, struct entry);
    entry->public.key = arena_strdup(map->arena, key);
    entry->public.value = value;
    entry->hash = hash;
    *slot = entry;
    if (map->last != NULL)
        map->last->next = entry;
    else
        map->first = entry;
    map->last = entry;
    if (++map->count * 4 > map->slot_count * 3)
        grow(map);
}

void *map_get(const struct map *map, const char *key)
{
    const struct entry *entry = *find_slot(map, key, hash_text(key));

    return entry != NULL ? entry->public.value : NULL;
}

bool map_contains(const struct map *map, const char *key)
{
    return *find_slot(map, key, hash_text(key)) != NULL;
}

size_t map_count(const struct map *map)
{
    return map->count;
}

const struct map_entry *map_first(const struct map *map)
{
    return map->first != NULL ? &map->first->public : NULL;
}

const struct map_entry *map_next(const struct map_entry *entry)
{
    const struct entry *next = ((const struct entry *)(const void *)entry)->next;

    return next != NULL ? &next->public : NULL;
}
