#ifndef STORAGE_PARTIAL_STATE_ROOMS_H
#define STORAGE_PARTIAL_STATE_ROOMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"

struct journal_entry;

/*
 * Rooms whose state is not whole yet: see migrations/0047_partial_state.sql. That a room is one of
 * them is also in its head.
 */
struct partial_state_room {
    int64_t room_nid;
    int64_t join_nid;     /* our join: the state before it is wanted */
    const char *told_by;  /* the server that took the join */
    const char **servers; /* that it said are in the room */
    size_t server_count;
    int64_t began_position;
    int64_t failures;
    int64_t retry_ts; /* ms since 1970 */
};

/* Adds to the journal entry of the join. A room that was one before begins anew. */
void partial_state_begin_in(struct journal_entry *entry, const struct partial_state_room *room);

/* Adds to a journal entry: the state is whole. E_CONFLICT at the commit when the room's head is not
 * at `version` any more, or the room is not waiting for this join. */
struct partial_state_end {
    int64_t room_nid;
    int64_t join_nid;
    int64_t head_version; /* the head that was looked at */
    int64_t snapshot_nid; /* the head's state from now on */
    const char *extremities;
};
void partial_state_complete_in(struct journal_entry *entry, const struct partial_state_end *end);

/* Adds to a journal entry: nobody of ours waits for the state any more. */
void partial_state_abandon_in(struct journal_entry *entry, int64_t room_nid);

/* M_NOT_FOUND unless the room is waiting for its state. */
enum errcode partial_state_load(struct db *db, struct arena *arena, int64_t room_nid,
                                struct partial_state_room *out) MUST_CHECK;

/* Whether the server is said to be in one of the rooms that wait. */
enum errcode partial_state_any_with(struct db *db, struct arena *arena, const char *server_name,
                                    bool *out) MUST_CHECK;

/* The rooms that wait, and whose time has come. */
enum errcode partial_state_due(struct db *db, struct arena *arena, int64_t now_ms, int64_t limit,
                               struct nid_list *out) MUST_CHECK;

/* It did not work; when to try again. */
enum errcode partial_state_failed(struct db *db, int64_t room_nid, int64_t retry_ts) MUST_CHECK;

/* One process works on a room at a time; the lock belongs to the session of `db`. */
enum errcode partial_state_lock(struct db *db, struct arena *arena, int64_t room_nid,
                                bool *is_ours_out) MUST_CHECK;
enum errcode partial_state_unlock(struct db *db, int64_t room_nid) MUST_CHECK;

#endif
