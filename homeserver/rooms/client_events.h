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

/* Appends the events, separated by commas, without brackets. */
enum errcode client_events_write(struct call *call, const struct client_events *how,
                                 const struct stored_event *events, size_t count,
                                 struct strbuf *out) MUST_CHECK;

/* The same as one text for each event; borrowed from the call. */
enum errcode client_events_texts(struct call *call, const struct client_events *how,
                                 const struct stored_event *events, size_t count,
                                 const char ***out) MUST_CHECK;

#endif
