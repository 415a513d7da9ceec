#ifndef STORAGE_LISTEN_NOTIFY_H
#define STORAGE_LISTEN_NOTIFY_H

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

/* `listen` is a statement such as {"listen_journal", "LISTEN beffroi_journal"}; it and the context
 * are borrowed. E_SYSTEM when no thread can be made; an unreachable database is not a failure. */
enum errcode listen_notify_create(const char *conninfo, const struct db_statement *listen,
                                  notification_callback callback, void *context,
                                  struct listen_notify **out) MUST_CHECK;

/* No callback runs after it has returned. NULL is allowed. */
void listen_notify_destroy(struct listen_notify *listener);

#endif
