#ifndef HOMESERVER_BASE_LOOPER_H
#define HOMESERVER_BASE_LOOPER_H

#include <stdint.h>

/*
 * A thread that does a round of work whenever it is woken, and when the time is over that the last
 * round gave: for those who follow something. Waking is thread-safe, cheap, and never lost: it
 * makes one more round begin after it. Rounds begin some milliseconds apart.
 */
struct looper;

/* Does what there is to do; how long it may sleep then unless it is woken, in ms. */
typedef int64_t (*looper_round)(void *context);

/* `name` is the thread's, see thread_start(); borrowed. */
struct looper *looper_create(const char *name, looper_round round, void *context);

/* The first round begins at once. */
void looper_start(struct looper *looper);

/* Waits for the round that is running. Does nothing when it was not started. NULL is allowed. */
void looper_stop(struct looper *looper);

/* Stops. Nobody may wake it any more. NULL is allowed. */
void looper_destroy(struct looper *looper);

/* Allowed before the start and after the stop: then it does nothing. */
void looper_wake(struct looper *looper);

#endif
