#ifndef STORAGE_ROOM_JUMPS_H
#define STORAGE_ROOM_JUMPS_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"

struct journal_entry;

/*
 * Where the room's state did not simply follow from the event that arrived (EVENT_JUMP): the event
 * belongs to a branch, or branches met. Snapshots of the room's state before and after it; 0 is the
 * empty state.
 */
struct room_jump {
    int64_t event_nid;
    int64_t before_nid;
    int64_t after_nid;
};

void room_jump_add_in(struct journal_entry *entry, int64_t room_nid, const struct room_jump *jump);

/* Adds to a journal entry: these events are jumps no more. */
void room_jumps_clear_in(struct journal_entry *entry, struct nid_list event_nids);

/* M_NOT_FOUND for an event without the flag. */
enum errcode room_jump_load(struct db *db, struct arena *arena, int64_t event_nid,
                            struct room_jump *out) MUST_CHECK;

/* State resolution took something away that nobody took away: told to administrators. */
void state_reset_add_in(struct journal_entry *entry, int64_t room_nid, int64_t event_nid,
                        int64_t now_ms, const char *detail);

struct state_reset {
    const char *room_id;
    const char *event_id;
    int64_t happened_ts;
    const char *detail;
};
/* The newest first. */
enum errcode state_resets_list(struct db *db, struct arena *arena, int64_t limit,
                               struct state_reset **out, size_t *count_out) MUST_CHECK;

#endif
