#ifndef HOMESERVER_BASE_MAP_H
#define HOMESERVER_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/*
 * A string-keyed map on an arena; iteration is in order of insertion. Keys are copied, values are
 * borrowed. Hashing is keyed with a per-process secret, so keys chosen by an attacker do no harm.
 */
struct map;

struct map *map_create(struct arena *arena);

/* Sets or replaces. `value` may be NULL: map_contains() tells the difference. */
void map_set(struct map *map, const char *key, void *value);
void *map_get(const struct map *map, const char *key);
bool map_contains(const struct map *map, const char *key);
size_t map_count(const struct map *map);

/* for (const struct map_entry *e = map_first(map); e != NULL; e = map_next(e)) */
struct map_entry {
    const char *key;
    void *value;
};
const struct map_entry *map_first(const struct map *map);
const struct map_entry *map_next(const struct map_entry *entry);

#endif
