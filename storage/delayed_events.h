#ifndef STORAGE_DELAYED_EVENTS_H
#define STORAGE_DELAYED_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"

/* Events that are to be sent later (MSC4140). Times are ms since 1970. */
enum { DELAYED_EVENTS_PER_USER_MAX = 100 };

struct delayed_event {
    const char *delay_id;
    int64_t user_nid;
    const char *user_id; /* filled when read */
    const char *txn_key; /* NULL: none */
    const char *room_id;
    const char *type;
    const char *state_key; /* NULL: not a state event */
    const char *content;   /* JSON text */
    int64_t delay_ms;
    int64_t running_since_ts;
};

/* `*delay_id_out` is NULL when the user has not used this transaction. */
enum errcode delayed_event_find_transaction(struct db *db, struct arena *arena, int64_t user_nid,
                                            const char *txn_key,
                                            const char **delay_id_out) MUST_CHECK;

/* M_LIMIT_EXCEEDED when the user has too many; E_CONFLICT when the transaction is being used. */
enum errcode delayed_event_add(struct db *db, const struct delayed_event *event) MUST_CHECK;

/* M_NOT_FOUND also when it is done. */
enum errcode delayed_event_load(struct db *db, struct arena *arena, const char *delay_id,
                                struct delayed_event *out) MUST_CHECK;

/* Those of a user that are not done, the next one first. */
enum errcode delayed_events_of_user(struct db *db, struct arena *arena, int64_t user_nid,
                                    struct delayed_event **out, size_t *count_out) MUST_CHECK;

/* Up to `limit` whose time has come, in the order of their times. */
enum errcode delayed_events_due(struct db *db, struct arena *arena, int64_t now_ms, int64_t limit,
                                struct delayed_event **out, size_t *count_out) MUST_CHECK;

/* Both: M_NOT_FOUND when it is done already. */
enum errcode delayed_event_restart(struct db *db, const char *delay_id, int64_t now_ms) MUST_CHECK;
enum errcode delayed_event_finish(struct db *db, const char *delay_id, int64_t now_ms) MUST_CHECK;

/* Deletes what was done before `before_ts`. */
enum errcode delayed_events_expire(struct db *db, int64_t before_ts) MUST_CHECK;

#endif
