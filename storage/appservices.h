#ifndef STORAGE_APPSERVICES_H
#define STORAGE_APPSERVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"
#include "storage/position_range.h"
#include "storage/receipts.h"

/*
 * What application services are to be told. One pass over the stream puts what concerns them into
 * their queues; each works through its queue at its own pace, one transaction after the other. All
 * of it is written by the one node that holds the lock.
 */
enum appservice_item_kind {
    APPSERVICE_EVENT = 1,
    APPSERVICE_RECEIPT = 2,
    APPSERVICE_PRESENCE = 3,
    APPSERVICE_TO_DEVICE = 4,
    APPSERVICE_DEVICE_LIST = 5,
    APPSERVICE_KEY_COUNTS = 6,
};

/* True when this connection holds the lock of those who deliver; it is lost with the connection, so
 * ask before every piece of work. */
enum errcode appservice_lock(struct db *db, struct arena *arena, bool *out) MUST_CHECK;

/* Notes application services that are new: they begin at `position`. When all of them are new, the
 * stream begins there too. */
enum errcode appservices_register(struct db *db, const char *const *ids, size_t count,
                                  int64_t position) MUST_CHECK;

/* How far the stream was looked at. */
enum errcode appservice_stream_position(struct db *db, struct arena *arena,
                                        int64_t *out) MUST_CHECK;

/* Events with range.since < position <= range.until, at most range.limit, in order. */
struct appservice_event {
    int64_t position;
    int64_t event_nid;
    int64_t room_nid;
    const char *room_id;
    int64_t sender_nid;
    const char *sender;
    const char *member; /* whose membership it is; NULL: something else */
};
enum errcode appservice_events(struct db *db, struct arena *arena, struct position_range range,
                               struct appservice_event **out, size_t *count_out) MUST_CHECK;

/* Local users who are, or lately were, joined to or invited to the room: all whose last change of
 * membership was at or after `position`, and of the others those who are in the room. */
struct appservice_member {
    int64_t user_nid;
    const char *user_id;
    bool is_in_room; /* now */
    int64_t position;
};
enum errcode appservice_members(struct db *db, struct arena *arena, int64_t room_nid,
                                int64_t position, struct appservice_member **out,
                                size_t *count_out) MUST_CHECK;

/* The event_nid of a user's last membership before a position; 0 when there was none. */
enum errcode appservice_membership_before(struct db *db, struct arena *arena, int64_t room_nid,
                                          const char *user_id, int64_t position,
                                          int64_t *out) MUST_CHECK;

/* To-device messages for users that application services made, in the range; positions may repeat.
 */
struct appservice_message {
    int64_t position;
    const char *appservice_id;
};
enum errcode appservice_messages(struct db *db, struct arena *arena, struct position_range range,
                                 struct appservice_message **out, size_t *count_out) MUST_CHECK;

/* Puts items into queues and moves the stream on, in one transaction. Parallel arrays. */
struct appservice_items {
    const char *const *appservice_ids;
    const int64_t *positions;
    const int64_t *kinds;
    const int64_t *event_nids;
    size_t count;
};
enum errcode appservice_stream_advance(struct db *db, int64_t position,
                                       const struct appservice_items *items) MUST_CHECK;

struct appservice_state {
    int64_t since_position;
    int64_t last_txn_id;
    const char *txn_body; /* NULL: none is under way */
    size_t txn_body_size;
    int64_t failures;
    int64_t next_try_ts;
};
/* M_NOT_FOUND when it was never registered. */
enum errcode appservice_load(struct db *db, struct arena *arena, const char *id,
                             struct appservice_state *out) MUST_CHECK;

/* The oldest items of a queue. */
struct appservice_item {
    int64_t position;
    enum appservice_item_kind kind;
    int64_t event_nid;
};
enum errcode appservice_queue(struct db *db, struct arena *arena, const char *id, int64_t limit,
                              struct appservice_item **out, size_t *count_out) MUST_CHECK;

/* Begins the next transaction: these bytes, which cover the queue up to `until`. E_CONFLICT when it
 * is not the next one any more. */
struct appservice_transaction {
    const char *appservice_id;
    int64_t txn_id;
    const char *body;
    size_t body_size;
    int64_t until;
};
enum errcode appservice_transaction_begin(struct db *db,
                                          const struct appservice_transaction *txn) MUST_CHECK;

/* It was accepted: what it covered leaves the queue, to-device messages go for good. */
enum errcode appservice_transaction_done(struct db *db, const char *id, int64_t txn_id) MUST_CHECK;

/* It was not. */
enum errcode appservice_transaction_failed(struct db *db, const char *id, int64_t txn_id,
                                           int64_t next_try_ts) MUST_CHECK;

/* Receipts in the range, of anybody, in order; and those at some positions that are still the
 * newest of their kind. Private ones only of users that an application service made. */
struct appservice_receipt {
    struct receipt receipt;
    const char *room_id;
    const char *appservice_id; /* of its user, when it is private; else NULL */
};
enum errcode appservice_receipts(struct db *db, struct arena *arena, struct position_range range,
                                 struct appservice_receipt **out, size_t *count_out) MUST_CHECK;
enum errcode appservice_receipts_load(struct db *db, struct arena *arena, struct nid_list positions,
                                      struct appservice_receipt **out,
                                      size_t *count_out) MUST_CHECK;

/* Messages for this application service's users at these positions, in order. */
struct appservice_to_device {
    const char *to_user_id;
    const char *to_device_id;
    const char *sender;
    const char *type;
    const char *content; /* JSON */
};
enum errcode appservice_to_device_load(struct db *db, struct arena *arena, const char *id,
                                       struct nid_list positions, struct appservice_to_device **out,
                                       size_t *count_out) MUST_CHECK;

#endif
