#ifndef STORAGE_RECEIPTS_H
#define STORAGE_RECEIPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"
#include "storage/position_range.h"

struct journal_entry;

/* Read receipts: one position per user, room, type and thread. */
enum receipt_type {
    RECEIPT_READ = 1,
    RECEIPT_READ_PRIVATE = 2, /* shown to nobody but its user */
};

#define RECEIPT_UNTHREADED ""
#define RECEIPT_MAIN       "main"

struct receipt {
    int64_t room_nid;
    int64_t user_nid;
    enum receipt_type type;
    const char *thread; /* RECEIPT_UNTHREADED, RECEIPT_MAIN, or a root's event ID */
    const char *event_id;
    int64_t event_position; /* 0: we do not have the event */
    int64_t ts;             /* ms */
    /* Filled when read. */
    const char *user_id;
    int64_t position;
};

/* Receipts of one room sent in one answer at most; the newest ones are kept. */
enum { RECEIPTS_PER_ROOM_MAX = 5000 };

/* Adds to a journal entry. A receipt for an event before the one it already stands at changes
 * nothing. */
void receipt_set_in(struct journal_entry *entry, const struct receipt *receipt);

/* The receipts of these rooms that `viewer_nid` may see, in the range, ordered by room, in the
 * order in which they were set. */
struct receipt_query {
    struct nid_list room_nids;
    int64_t viewer_nid;
    struct position_range range;
};
enum errcode receipts_changed(struct db *db, struct arena *arena, const struct receipt_query *query,
                              struct receipt **out, size_t *count_out) MUST_CHECK;

/* The viewer's own receipts in these rooms, and those of others at events from a position on
 * (parallel to the rooms); ordered by room. `range.since` is not looked at. */
enum errcode receipts_recent(struct db *db, struct arena *arena, const struct receipt_query *query,
                             const int64_t *first_positions, struct receipt **out,
                             size_t *count_out) MUST_CHECK;

/* The receipts of one user in a room, private ones too. */
enum errcode receipts_of_user(struct db *db, struct arena *arena, int64_t room_nid,
                              int64_t user_nid, struct receipt **out, size_t *count_out) MUST_CHECK;

/* Public receipts of local users in the range, of any room, oldest first, at most the range's
 * limit: what the federation sender passes on. */
enum errcode receipts_to_federate(struct db *db, struct arena *arena, struct position_range range,
                                  struct receipt **out, size_t *count_out) MUST_CHECK;

#endif
