#ifndef STORAGE_STATE_SNAPSHOTS_H
#define STORAGE_STATE_SNAPSHOTS_H

#include <stdint.h>

#include "homeserver/base/error.h"
#include "homeserver/protocol/state_map.h"
#include "storage/db.h"

struct journal_entry;

/*
 * Snapshots of room state (I3): each is its parent plus what changed, or a checkpoint with
 * everything, written when the changes since the last checkpoint outweigh it.
 */
struct snapshot_ref {
    int64_t snapshot_nid; /* 0: the empty state */
    int64_t entries_since_checkpoint;
};

/* The whole state of a snapshot; `*map_out` is acquired for the caller. snapshot_nid 0 gives NULL
 * (the empty map). M_NOT_FOUND when there is no such snapshot. */
enum errcode snapshot_load(struct db *db, int64_t snapshot_nid, struct snapshot_ref *ref_out,
                           struct state_map **map_out) MUST_CHECK;

/* Adds to a journal entry: the snapshot `snapshot_nid` of a room, which is `parent` with one key
 * set to `event_nid`; `after` is the whole new state. Returns the reference for the next snapshot.
 */
struct snapshot_change {
    int64_t room_nid;
    int64_t snapshot_nid;
    struct snapshot_ref parent;
    int64_t state_key_nid;
    int64_t event_nid;
    const struct state_map *after;
};
struct snapshot_ref snapshot_add_in(struct journal_entry *entry,
                                    const struct snapshot_change *change);

/* The same for a state that is not one change away (a resolved one): writes the difference to the
 * parent, or a checkpoint. `parent_map` is the state of `parent`. */
struct snapshot_ref snapshot_add_state_in(struct journal_entry *entry,
                                          const struct snapshot_change *change,
                                          const struct state_map *parent_map);

#endif
