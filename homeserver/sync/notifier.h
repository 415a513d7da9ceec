#ifndef HOMESERVER_SYNC_NOTIFIER_H
#define HOMESERVER_SYNC_NOTIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/wake.h"
#include "homeserver/call.h"
#include "storage/memberships.h"

/*
 * From journal positions to waiting requests, and what makes an idle user cost nothing: for every
 * user who synced lately this process keeps the list of their rooms and, per room, the newest
 * position at which anything changed. A change in a room costs as much as it has such users, not
 * members.
 *
 * Everything here is a memory of the database; forgetting it costs a query, never an event.
 * Thread-safe.
 */
struct notifier;
struct journal_change;

struct notifier *notifier_create(void);
void notifier_destroy(struct notifier *notifier);

/* What is committed up to here was before anybody asked. Once, before the first request. */
void notifier_begin(struct notifier *notifier, int64_t position);

/* For req_park(): keys are user_nids. */
const struct wake_source *notifier_wake_source(struct notifier *notifier);

/* For journal_add_listener(); `notifier` is the context. */
void notifier_on_change(void *notifier, const struct journal_change *change);

/* Wakes who is in the room for something that has no position (typing). */
void notifier_wake_room(struct notifier *notifier, int64_t room_nid);
void notifier_wake_user(struct notifier *notifier, int64_t user_nid);

/* A room of a user, and the newest position at which anything in it changed. Positions are never
 * too small; they may be too large after a restart. */
struct user_room {
    struct membership_row membership; /* without stripped state */
    int64_t last_change;
    int64_t last_other_change; /* … of what is not a message: state, receipts, presence, devices */
};

struct user_view {
    uint64_t sequence;   /* read before everything else: hand it to req_park() */
    int64_t position;    /* everything up to it is committed and in this view */
    int64_t last_change; /* of what is the user's own: account data, devices; never too small */
    const struct user_room *rooms; /* forgotten ones too; on the call's arena */
    size_t room_count;
};

/* The user's rooms as of now or later than the last committed change. */
enum errcode notifier_user_view(struct call *call, int64_t user_nid,
                                struct user_view *out) MUST_CHECK;

/*
 * What a sync found out about a device and its user: nothing in it changes without waking the user,
 * so it is good as long as `last_change` of the user's view is not after `read_at`. Only kept of a
 * device for which no messages were waiting.
 */
struct device_memory {
    int64_t read_at;            /* position */
    int64_t key_count_position; /* when its keys changed last */
    const char *key_counts;     /* members of a JSON object */
    const int64_t *ignored;     /* senders whom the user ignores */
    size_t ignored_count;
};

/* Copied in, and out to the call's arena; false when nothing (that is still good) is known. */
void notifier_remember_device(struct notifier *notifier, int64_t user_nid, const char *device_id,
                              const struct device_memory *memory);
bool notifier_recall_device(struct call *call, int64_t user_nid, const char *device_id,
                            struct device_memory *out);

/*
 * The member events that a device, which loads them lazily, was told of last. Good for the request
 * that goes on from `position`, which shows that the answers arrived.
 */
enum { TOLD_MEMBERS_MAX = 16 };

struct told_members {
    int64_t position;
    size_t count;
    int64_t event_nids[TOLD_MEMBERS_MAX]; /* the oldest first */
};

/* Nothing when nothing is known of the device. */
void notifier_told_members(struct notifier *notifier, int64_t user_nid, const char *device_id,
                           struct told_members *out);
/* Of a device that is remembered; others are told again. */
void notifier_keep_told_members(struct notifier *notifier, int64_t user_nid, const char *device_id,
                                const struct told_members *told);

/* Forgets users who have not asked for `idle_ms`; the number forgotten. For a periodic job. */
size_t notifier_forget_idle(struct notifier *notifier, int64_t idle_ms);

#endif
