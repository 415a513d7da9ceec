#ifndef STORAGE_ONE_TIME_KEYS_H
#define STORAGE_ONE_TIME_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;
struct journal_entry;

/*
 * One-time keys, each handed out once and never again, and the fallback keys for when there are
 * none. They end with their device.
 */
struct device_address {
    int64_t user_nid;
    const char *device_id;
};

struct one_time_key {
    const char *algorithm;
    const char *key_id; /* without the algorithm */
    const char *key;    /* canonical JSON */
};

/* Adds the keys, in this order, inside the caller's transaction. One that is there, or was, stays
 * as it is: `*conflict_out` is the ID of one whose value was another, else NULL. Nothing is added
 * when the device ended meanwhile. */
enum errcode one_time_keys_insert(struct db *tx, struct arena *arena,
                                  const struct device_address *device,
                                  const struct one_time_key *keys, size_t count,
                                  const char **conflict_out) MUST_CHECK;

/* One per algorithm: replaces the one before and is unused, unless it is the same. */
enum errcode fallback_keys_set(struct db *tx, struct arena *arena,
                               const struct device_address *device, const struct one_time_key *keys,
                               size_t count) MUST_CHECK;

/* Forgets all one-time and fallback keys of the device, those handed out too: it has become
 * another. */
void one_time_keys_forget_in(struct journal_entry *entry, const struct device_address *device);

/* The counts of the device changed; adds to a journal entry. */
void one_time_keys_changed_in(struct journal_entry *entry, const struct device_address *device);

struct key_claim {
    struct device_address device;
    const char *algorithm;
    const char *key_id;  /* out; NULL: there was none */
    const char *key;     /* out; JSON text */
    bool changes_counts; /* out; a fallback key used before changes nothing */
};

/* Takes the oldest key of each, or the fallback key; no key is ever given to two. To be committed
 * by the caller. */
enum errcode one_time_keys_claim(struct db *tx, struct arena *arena, struct key_claim *claims,
                                 size_t count) MUST_CHECK;

struct key_count {
    const char *algorithm;
    int64_t count;
};
struct key_counts {
    const struct key_count *counts; /* of one-time keys not handed out, by algorithm */
    size_t count;
    const char *const *unused_fallback_algorithms;
    size_t unused_fallback_count;
    int64_t position; /* of the newest change; 0: none */
};
enum errcode key_counts_load(struct db *db, struct arena *arena,
                             const struct device_address *device,
                             struct key_counts *out) MUST_CHECK;

#endif
