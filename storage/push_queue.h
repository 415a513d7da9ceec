#ifndef STORAGE_PUSH_QUEUE_H
#define STORAGE_PUSH_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"
#include "storage/pushers.h"

/*
 * What pushers have to be told. One pass over the stream puts the notifications of each pusher into
 * its queue; what was accepted leaves it. All of it is written by the one node that holds the lock.
 */

/* True when this connection holds the lock of those who push; it is lost with the connection, so
 * ask before every piece of work. */
enum errcode push_lock(struct db *db, struct arena *arena, bool *out) MUST_CHECK;

/* The same for those who send mails. */
enum errcode push_email_lock(struct db *db, struct arena *arena, bool *out) MUST_CHECK;

enum errcode push_stream_position(struct db *db, struct arena *arena, int64_t *out) MUST_CHECK;

/* Puts what happened after `since` and up to `until` into the queues of the pushers that it
 * concerns; those of kind http are `*pusher_nids_out`. Where it is nobody, the position is written
 * down only when it is `unwritten_max` behind. */
struct push_pass {
    int64_t since;
    int64_t until;
    int64_t unwritten_max;
};
enum errcode push_enqueue(struct db *db, struct arena *arena, const struct push_pass *pass,
                          struct nid_list *pusher_nids_out) MUST_CHECK;

/* All pushers of the kind that have something in their queues, or a next time. */
enum errcode push_waiting(struct db *db, struct arena *arena, const char *kind,
                          struct nid_list *pusher_nids_out) MUST_CHECK;

/* A pusher with the state of its delivery. M_NOT_FOUND when it is gone. */
struct push_target {
    struct pusher pusher;
    const char *user_id;
    int64_t failing_since_ts; /* 0: it is not */
    int64_t next_try_ts;
    int64_t badge; /* -1: none told yet */
};
enum errcode push_target_load(struct db *db, struct arena *arena, int64_t pusher_nid,
                              struct push_target *out) MUST_CHECK;

/* The oldest of its queue. */
struct push_item {
    int64_t position;
    int64_t event_nid; /* 0: only the count */
    const char *room_id;
    int64_t room_nid;
    unsigned flags; /* enum push_flag */
    const char *actions;
    bool is_over; /* read meanwhile, or the user left the room */
};
enum errcode push_queue_load(struct db *db, struct arena *arena, int64_t pusher_nid, int64_t limit,
                             struct push_item **out, size_t *count_out) MUST_CHECK;

/* Everything up to the position is done with; the device knows this unread count. */
enum errcode push_done(struct db *db, int64_t pusher_nid, int64_t position,
                       int64_t badge) MUST_CHECK;

/* Nothing is to be done before; 0: no matter when. */
enum errcode push_wait_until(struct db *db, int64_t pusher_nid, int64_t next_try_ts) MUST_CHECK;

enum errcode push_failed(struct db *db, int64_t pusher_nid, int64_t now_ts,
                         int64_t next_try_ts) MUST_CHECK;

#endif
