#ifndef HOMESERVER_ROOMS_EVENT_SUBJECT_H
#define HOMESERVER_ROOMS_EVENT_SUBJECT_H

#include "homeserver/call.h"
#include "homeserver/protocol/filter.h"
#include "storage/events.h"

/*
 * Looking at a few members of a stored event without building a tree of all of it.
 */
struct event_subject {
    const char *type;
    const char *sender;
    const char *state_key; /* NULL when it is not a state event */
    const char *content;   /* JSON text */
    size_t content_size;
};

/* Texts are on the call's arena; content is borrowed from the event. E_DATABASE when the stored
 * bytes are damaged. */
enum errcode event_subject_read(struct call *call, const struct stored_event *event,
                                struct event_subject *out) MUST_CHECK;

/* The content as a tree; borrowed from the call. */
enum errcode event_subject_content(struct call *call, const struct event_subject *subject,
                                   json_t **out) MUST_CHECK;

/* Moves the events that a filter lets pass to the front, in order. `senders_out` (may be NULL) gets
 * their senders. */
enum errcode events_filter(struct call *call, const struct event_filter *filter,
                           const char *room_id, struct stored_event *events, size_t *count,
                           const char **senders_out) MUST_CHECK;

/* content.membership of a member event, NULL when there is none. */
enum errcode event_subject_membership(struct call *call, const struct stored_event *event,
                                      const char **out) MUST_CHECK;

#endif
