#ifndef HOMESERVER_PUSH_PUSH_NOTIFICATION_H
#define HOMESERVER_PUSH_PUSH_NOTIFICATION_H

#include <jansson.h>

#include "homeserver/call.h"
#include "storage/push_queue.h"

/*
 * What a push gateway is told.
 * Spec: push gateway API, POST /_matrix/push/v1/notify (push_notifier.yaml); client-server API,
 * "Push Gateway" (event_id_only).
 */

/* The body for one item of a pusher's queue; `unread` is the user's count now. An item without an
 * event tells the count only. `*out` is borrowed from the call. M_NOT_FOUND when the event is gone.
 */
enum errcode push_notification_make(struct call *call, const struct push_target *target,
                                    const struct push_item *item, int64_t unread,
                                    json_t **out) MUST_CHECK;

/* The gateway's URL; NULL when the pusher has none. Borrowed from the call. */
enum errcode push_gateway_url(struct call *call, const struct push_target *target,
                              const char **out) MUST_CHECK;

#endif
