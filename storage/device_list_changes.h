#ifndef STORAGE_DEVICE_LIST_CHANGES_H
#define STORAGE_DEVICE_LIST_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/position_range.h"

struct arena;
struct db;
struct journal_entry;

/*
 * Whose keys or devices changed, for those who encrypt for them: who shares a room with them.
 */

/* Adds to the journal entry that makes the change, and wakes the user and everybody in the user's
 * rooms. The entry fails with E_CONFLICT when the user came into another room meanwhile. */
enum errcode device_list_changed_in(struct db *db, struct arena *arena, struct journal_entry *entry,
                                    int64_t user_nid) MUST_CHECK;

/* For the entry by which a user of ours comes into a room of other servers: those need not have
 * heard of the user's devices before. Wakes nobody else than the join does. */
void device_list_told_by_join_in(struct journal_entry *entry, int64_t user_nid);

/* The same where other servers are told in another way (homeserver/rooms/missed_devices.h): only
 * the user's own clients see it. */
void device_list_told_to_own_in(struct journal_entry *entry, int64_t user_nid);

/* Adds to a journal entry: what changed since `after` of users of other servers in this room is
 * told once more, for who they are was not known when it came. */
void device_lists_repeat_in(struct journal_entry *entry, int64_t room_nid, int64_t after);

struct device_list_change {
    const char *user_id;
    bool is_left; /* no room is shared any more; otherwise the keys are to be asked for again */
};

/* What `viewer_nid` has to know: users in shared rooms (and the viewer) whose lists changed, or
 * whose keys the viewer signed, in the range, users with whom a room is shared now and was not at
 * `since`, and those with whom none is shared any more. `room_nids` are the viewer's rooms in which
 * anything changed. In order of user ID. */
struct device_list_query {
    int64_t viewer_nid;
    struct position_range range;
    const int64_t *room_nids;
    size_t room_count;
};
enum errcode device_list_changes_load(struct db *db, struct arena *arena,
                                      const struct device_list_query *query,
                                      struct device_list_change **out,
                                      size_t *count_out) MUST_CHECK;

#endif
