#ifndef HOMESERVER_ROOMS_CLIENT_EVENTS_H
#define HOMESERVER_ROOMS_CLIENT_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/client_event.h"
#include "homeserver/protocol/filter.h"
#include "homeserver/rooms/visibility.h"
#include "storage/events.h"

/*
 * Stored events as clients get them: cut from the stored bytes, with the `unsigned` that is made
 * for this reader. Whether the reader may see them was decided before (visibility.h).
 */
struct client_events {
    /* A reader without a requester stands for a program that is no user: an application service. */
    const struct room_reader *reader;
    bool with_room_id;       /* /sync leaves it out */
    bool without_membership; /* leaves `unsigned.membership` out */
    bool with_relations;     /* bundled aggregations */
    bool without_threads;    /* … but for m.thread */
    enum client_event_format format;
    const struct filter *filter; /* its event_fields; NULL: all fields */
};

/* Events of one room. What the events of several rooms need is fetched for all of them at once:
 * then all lists have the same requester and the same `until`. */
struct event_needs;
struct client_events_list {
    struct client_events how;
    const struct stored_event *events;
    size_t count;
    struct event_needs *needs; /* set by client_events_prepare(), borrowed from the call */
};
enum errcode client_events_prepare(struct call *call, struct client_events_list *lists,
                                   size_t count) MUST_CHECK;
/* As client_events_write() and client_events_texts(). */
enum errcode client_events_write_list(struct call *call, const struct client_events_list *list,
                                      struct strbuf *out) MUST_CHECK;
enum errcode client_events_list_texts(struct call *call, const struct client_events_list *list,
                                      const char ***out) MUST_CHECK;

/* Appends the events, separated by commas, without brackets. */
enum errcode client_events_write(struct call *call, const struct client_events *how,
                                 const struct stored_event *events, size_t count,
                                 struct strbuf *out) MUST_CHECK;

/* The same as one text for each event; borrowed from the call. */
enum errcode client_events_texts(struct call *call, const struct client_events *how,
                                 const struct stored_event *events, size_t count,
                                 const char ***out) MUST_CHECK;

#endif
