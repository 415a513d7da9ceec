#ifndef STORAGE_HISTORY_GAPS_H
#define STORAGE_HISTORY_GAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"

/*
 * Where the history of a room is not whole: an event was fetched alone from far back, and what lies
 * between it and the rest will get its positions above it. See migrations/0057_history_gaps.sql.
 *
 * Gaps cut the timeline into parts. The part above a gap reaches from `until` to the next gap above
 * or to the newest event; events fetched for it go just below `until`. The lowest part has no gap
 * below: its history goes below everything (history_positions_take()).
 */
struct history_gap {
    int64_t after; /* position of the event below the gap */
    int64_t until;
    int64_t depth; /* of that event: only what is deeper in the graph lies in the gap */
};

/* All gaps of a room, the highest first. */
enum errcode history_gaps_load(struct db *db, struct arena *arena, int64_t room_nid,
                               struct history_gap **out, size_t *count_out) MUST_CHECK;

/* A new gap below everything that is known of the room; `*position_out` is the place of the event
 * below it. */
enum errcode history_gap_open(struct db *db, struct arena *arena, int64_t room_nid, int64_t depth,
                              int64_t *position_out) MUST_CHECK;

/* The same in the middle of a gap. M_NOT_FOUND when it is closed by now or too narrow. */
enum errcode history_gap_split(struct db *db, struct arena *arena, int64_t room_nid,
                               const struct history_gap *gap, int64_t depth,
                               int64_t *position_out) MUST_CHECK;

/* Positions at the top of a gap: `*first_out` is the highest of `count` consecutive ones.
 * M_NOT_FOUND when it is closed by now or has no room for so many. */
enum errcode history_gap_take(struct db *db, struct arena *arena, int64_t room_nid,
                              const struct history_gap *gap, int64_t count,
                              int64_t *first_out) MUST_CHECK;

/* What lay in it has come. */
enum errcode history_gap_close(struct db *db, int64_t room_nid, int64_t after) MUST_CHECK;

#endif
