#ifndef STORAGE_PUSH_ACTIONS_H
#define STORAGE_PUSH_ACTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"

struct journal_entry;

/*
 * What events do for users. An event's own flags (enum event_flag) say what it does for everybody
 * in the room; a push action says what it does for one user, where that is something else. So a
 * message to a room of ten thousand costs one row, not ten thousand.
 */
enum {
    /* Counting stops here: nobody reads a larger number, and it bounds the work of a sync. */
    UNREAD_COUNT_MAX = 9999,
};

struct push_action {
    int64_t user_nid;
    int64_t room_nid;
    unsigned flags;      /* enum push_flag; 0: nothing happens for this user */
    const char *actions; /* JSON text; NULL: the flags say it all */
};

/* Adds to the event's journal entry; the position is the entry's. */
void push_action_add_in(struct journal_entry *entry, const struct push_action *action);

/* Adds to the event's journal entry: it belongs to a thread. */
void thread_event_add_in(struct journal_entry *entry, int64_t event_nid, int64_t room_nid,
                         const char *root_event_id);

/* Unread events of one room and thread; "main" is the main timeline. */
struct unread_count {
    int64_t room_nid;
    const char *thread;
    int64_t notifications;
    int64_t highlights;
};

/* Counts of rooms the user is joined to up to a position, ordered by room and thread; what is zero
 * is left out.
 * An event counts when it came after the user's receipts for its thread (or unthreaded ones), after
 * the user's own last event in the thread, and after the user joined. */
struct unread_query {
    int64_t user_nid;
    struct nid_list room_nids;
    int64_t until;
};
enum errcode unread_counts(struct db *db, struct arena *arena, const struct unread_query *query,
                           struct unread_count **out, size_t *count_out) MUST_CHECK;

/* How many rooms have unread notifications, for badges. */
enum errcode unread_rooms(struct db *db, struct arena *arena, int64_t user_nid,
                          int64_t *out) MUST_CHECK;

/* Events that notified a user, newest first. */
struct notification {
    int64_t position;
    int64_t event_nid;
    int64_t room_nid;
    unsigned event_flags; /* enum event_flag, when has_own is false */
    bool has_own;
    unsigned own_flags; /* enum push_flag */
    const char *own_actions;
    bool is_read;
};
struct notification_query {
    int64_t user_nid;
    int64_t before; /* positions below this one */
    bool only_highlights;
    int64_t limit;
};
enum errcode notifications_list(struct db *db, struct arena *arena,
                                const struct notification_query *query, struct notification **out,
                                size_t *count_out) MUST_CHECK;

#endif
