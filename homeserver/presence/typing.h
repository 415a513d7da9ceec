#ifndef HOMESERVER_PRESENCE_TYPING_H
#define HOMESERVER_PRESENCE_TYPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/*
 * Who is typing where. Kept in memory only: it is worth nothing after half a minute. Every change
 * raises a counter, which sync tokens carry together with the epoch: the counter of another
 * process, or of this one before a restart, means nothing. Thread-safe.
 */
struct typing;

enum {
    TYPING_TIMEOUT_MIN_MS = 1000,
    TYPING_TIMEOUT_DEFAULT_MS = 30 * 1000,
    TYPING_TIMEOUT_MAX_MS = 60 * 1000,
    TYPING_USERS_MAX = 200, /* in one room: more names help nobody */
};

struct typing *typing_create(void);
void typing_destroy(struct typing *typing);

/* Called after each change of a room, without locks held. One listener, set before the first use.
 */
typedef void (*typing_listener)(void *context, int64_t room_nid);
void typing_listen(struct typing *typing, typing_listener listener, void *context);

/* The user types until now_ms + timeout_ms (clamped), or, with timeout_ms 0, not any more. Times
 * are monotonic. Whether the user is in the room is for the caller to know. */
void typing_set(struct typing *typing, int64_t room_nid, const char *user_id, int64_t timeout_ms,
                int64_t now_ms);

/* Ends what has timed out. For a job that runs every second or so. */
void typing_expire(struct typing *typing, int64_t now_ms);

uint32_t typing_epoch(const struct typing *typing);
int64_t typing_counter(struct typing *typing);

/* True when the room changed after the counter stood at `since`. */
bool typing_changed(struct typing *typing, int64_t room_nid, int64_t since);

/* User IDs in the order in which they began; on `arena`. */
const char **typing_users(struct typing *typing, struct arena *arena, int64_t room_nid,
                          size_t *count_out);

#endif
