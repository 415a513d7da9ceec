#ifndef HOMESERVER_PUSH_EVENT_THREAD_H
#define HOMESERVER_PUSH_EVENT_THREAD_H

#include <jansson.h>
#include <stdbool.h>

#include "homeserver/call.h"

/*
 * Which thread an event belongs to: its own m.thread relation, or that of what it relates to, at
 * most three relations away. Spec: client-server API, "Threaded read receipts".
 */

/* The root's event ID, or NULL for the main timeline, which roots belong to as well. `content` is
 * the event's. */
enum errcode event_thread_root(struct call *call, int64_t room_nid, json_t *content,
                               const char **root_out) MUST_CHECK;

/* True when a receipt of this thread (a root's event ID) may stand at an event with this content:
 * it is in the thread, or leads to its root. */
enum errcode event_thread_is_related(struct call *call, int64_t room_nid, json_t *content,
                                     const char *root, bool *out) MUST_CHECK;

#endif
