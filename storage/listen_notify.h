#ifndef STORAGE_LISTEN_NOTIFY_H
#define STORAGE_LISTEN_NOTIFY_H

#include <stdint.h>

#include "homeserver/base/error.h"

struct db_statement;

/*
 * A thread that listens to one channel of PostgreSQL's NOTIFY on a connection of its own, and
 * connects again, with growing pauses, when that is lost.
 */
struct listen_notify;

/* Called on the listener's thread. NULL stands for "now listening": whatever was notified before,
 * also while the connection was lost, has to be looked up. */
typedef void (*notification_callback)(void *context, const char *payload);

/* Everything is borrowed. `listen` is a statement such as {"listen_journal", "LISTEN
 * beffroi_journal"}. */
struct listen_options {
    const char *conninfo;
    const struct db_statement *listen;
    notification_callback callback;
    void *context;
    /* Every so often (0: never) the server is asked whether it is there: what was committed before
     * `asked_ms` (monotonic) has been handed over when `checked` is called, on the listener's
     * thread too. */
    int check_every_ms;
    void (*checked)(void *context, int64_t asked_ms);
};

/* E_SYSTEM when no thread can be made; an unreachable database is not a failure. */
enum errcode listen_notify_create(const struct listen_options *options,
                                  struct listen_notify **out) MUST_CHECK;

/* No callback runs after it has returned. NULL is allowed. */
void listen_notify_destroy(struct listen_notify *listener);

#endif
