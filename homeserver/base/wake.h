#ifndef HOMESERVER_BASE_WAKE_H
#define HOMESERVER_BASE_WAKE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How something in a low layer (the notifier) wakes something in a higher one (a parked request)
 * without knowing it.
 *
 * A handle is a ticket: waking one that is not valid any more does nothing, so whoever keeps
 * handles need not know when the waiter went away. Waking never blocks for long and may be done
 * while locks are held; it never calls back into the source.
 */
struct wake_handle {
    void (*wake)(void *context, uint64_t ticket);
    void *context;
    uint64_t ticket;
};

/*
 * Where waiters register. Each `key` (a user, a piece of media) has a sequence number that grows
 * with every change. A waiter reads the number first, then the data, and hands the number in when
 * it finds that it has to wait: so no change in between is missed.
 */
struct wake_source {
    void *context;
    /* Keeps the handle until it was woken once by a change of `key`, or forgotten. False, keeping
     * nothing, when the sequence of `key` has already moved past `seen`. */
    bool (*wait)(void *context, int64_t key, uint64_t seen, struct wake_handle handle);
    /* The waiter went away. Does nothing when the handle is not kept. */
    void (*forget)(void *context, int64_t key, struct wake_handle handle);
};

#endif
