#ifndef STORAGE_THREAD_SUBSCRIPTIONS_H
#define STORAGE_THREAD_SUBSCRIPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/position_range.h"

struct journal_entry;

/* Which threads users follow. Spec: MSC4306. */
struct thread_subscription {
    int64_t user_nid;
    int64_t room_nid;
    const char *root_event_id;
    bool is_subscribed; /* false: not any more */
    bool is_automatic;
    /* Filled when read. */
    int64_t unsubscribed_position; /* 0: never */
    int64_t position;
    const char *room_id;
};

/* M_NOT_FOUND when the user never followed the thread. */
enum errcode thread_subscription_load(struct db *db, struct arena *arena, int64_t user_nid,
                                      int64_t room_nid, const char *root_event_id,
                                      struct thread_subscription *out) MUST_CHECK;

/* Adds to a journal entry. `cause_position` is that of the event that made a client subscribe by
 * itself, which does nothing for somebody who has unsubscribed since. */
void thread_subscribe_in(struct journal_entry *entry,
                         const struct thread_subscription *subscription, int64_t cause_position);
void thread_unsubscribe_in(struct journal_entry *entry,
                           const struct thread_subscription *subscription);

/* The user's subscriptions that changed in the range, newest first, at most its limit. */
enum errcode thread_subscriptions_changed(struct db *db, struct arena *arena, int64_t user_nid,
                                          struct position_range range,
                                          struct thread_subscription **out,
                                          size_t *count_out) MUST_CHECK;

#endif
