#ifndef HOMESERVER_PRESENCE_PRESENCE_USERS_H
#define HOMESERVER_PRESENCE_PRESENCE_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/presence.h"

/*
 * The users a process looks after: what each device said last, and what follows from it and from
 * the time that has passed. Memory only; all times are monotonic milliseconds. Thread-safe.
 */
struct presence_users;

struct presence_users *presence_users_create(void);
void presence_users_destroy(struct presence_users *users);

/* How a user appears to others. */
struct presence_view {
    int64_t user_nid;
    enum presence_state state;
    int64_t active_ago_ms;
};

/* Each returns true when the user's state became another one, and fills `out` either way. */
struct presence_report;
bool presence_users_report(struct presence_users *users, const struct presence_report *report,
                           int64_t now_ms, struct presence_view *out);
bool presence_users_active(struct presence_users *users, int64_t user_nid, int64_t now_ms,
                           struct presence_view *out);

/* Nobody could be told of the last change: the next report or activity is news again. */
void presence_users_untold(struct presence_users *users, int64_t user_nid);

/* Users whose state changed because time passed, at most `max`; those who are offline are
 * forgotten. Call again when it returns `max`. */
size_t presence_users_expire(struct presence_users *users, int64_t now_ms,
                             struct presence_view *out, size_t max);

#endif
