#ifndef HOMESERVER_SYNC_THREAD_CHANGES_H
#define HOMESERVER_SYNC_THREAD_CHANGES_H

#include <jansson.h>

#include "homeserver/call.h"
#include "storage/position_range.h"

/* How the threads that a user follows changed: a page of it, newest first, as sliding sync and the
 * endpoint for older changes tell it. Spec: MSC4308. */
enum { THREAD_CHANGES_DEFAULT = 100, THREAD_CHANGES_MAX = 512 };

/* `range.limit` is clamped to the above; 0: the default. From the very beginning (since 0) only
 * what the user follows is told. `*older_out`: a position, the `until` of the next page; 0 when
 * this was all. `*out` is `{}`, or has `subscribed` and `unsubscribed`; borrowed from the call. */
enum errcode thread_changes(struct call *call, int64_t user_nid, struct position_range range,
                            json_t **out, int64_t *older_out) MUST_CHECK;

#endif
