#ifndef HOMESERVER_PROTOCOL_STATE_MAP_H
#define HOMESERVER_PROTOCOL_STATE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The state of a room as an immutable map with structural sharing (a hash array mapped trie):
 * key = interned (type, state_key), value = interned event. Numbers are positive; who interns them
 * is the caller's affair (storage: state_keys.state_key_nid and events.event_nid; tests: a table).
 *
 * A map is a reference: state_map_set() returns a new one that shares all but O(log n) nodes with
 * the old. Reference counts are atomic, so maps may be shared between threads. NULL is the empty
 * map.
 */
struct arena;
struct state_map;

struct state_map *state_map_acquire(struct state_map *map);
void state_map_release(struct state_map *map);

/* The value of `key`, or 0. O(log n). */
int64_t state_map_get(const struct state_map *map, int64_t key);

/* A new map; `map` itself stays as it is and stays owned by the caller. value 0 removes the key. */
struct state_map *state_map_set(struct state_map *map, int64_t key, int64_t value);

/* `*map` becomes the map with this entry. The same as setting and releasing, but nodes that only
 * this map has are changed in place: the way to fill a map. */
void state_map_put(struct state_map **map, int64_t key, int64_t value);

size_t state_map_count(const struct state_map *map);

/* Visits every entry, in no particular order; stops when the visitor returns false. */
typedef bool (*state_map_visitor)(void *context, int64_t key, int64_t value);
void state_map_visit(const struct state_map *map, state_map_visitor visitor, void *context);

/* The values of all entries, state_map_count() of them on the arena, in no particular order. */
int64_t *state_map_values(const struct state_map *map, struct arena *arena);

/* Visits every key whose value differs; 0 stands for "absent". Shared nodes are skipped, so the
 * cost is that of the difference, not of the maps. */
typedef bool (*state_map_diff_visitor)(void *context, int64_t key, int64_t old_value,
                                       int64_t new_value);
void state_map_diff(const struct state_map *old_map, const struct state_map *new_map,
                    state_map_diff_visitor visitor, void *context);

/* Bytes of the nodes reachable from this map (shared ones counted in full). */
size_t state_map_bytes(const struct state_map *map);

#endif
