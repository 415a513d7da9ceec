#ifndef STORAGE_STATE_KEYS_H
#define STORAGE_STATE_KEYS_H

#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"

/*
 * Interned (type, state_key) pairs: the keys of state maps. The pairs of a process are remembered
 * in memory, both ways, within a bound. Thread-safe.
 */
struct state_keys;

struct state_keys *state_keys_create(void);
void state_keys_destroy(struct state_keys *keys);

/* The number of a pair; made when it is new. */
enum errcode state_key_intern(struct state_keys *keys, struct db *db, const char *type,
                              const char *state_key, int64_t *nid_out) MUST_CHECK;

/* The number of a pair, or 0 when no room has ever had such state. */
enum errcode state_key_find(struct state_keys *keys, struct db *db, const char *type,
                            const char *state_key, int64_t *nid_out) MUST_CHECK;

struct state_key_pair {
    const char *type;
    const char *state_key;
};
/* The numbers of many pairs, in two statements; not remembered. */
enum errcode state_keys_intern(struct db *db, struct arena *arena,
                               const struct state_key_pair *pairs, size_t count,
                               int64_t *nids_out) MUST_CHECK;
/* The pairs of many numbers, in the same order, on the arena. Unknown numbers give NULLs. */
enum errcode state_keys_resolve(struct state_keys *keys, struct db *db, struct arena *arena,
                                const int64_t *nids, size_t count,
                                struct state_key_pair **out) MUST_CHECK;

#endif
