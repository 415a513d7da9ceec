#ifndef HOMESERVER_ROOMS_BUNDLED_RELATIONS_H
#define HOMESERVER_ROOMS_BUNDLED_RELATIONS_H

#include "homeserver/rooms/client_events.h"

/*
 * `unsigned.m.relations`: what children tell about their parents. For a whole page of events it
 * takes a fixed number of statements. Spec: client-server API, "Aggregations of child events".
 */

/* `*out` is parallel to the events: JSON text, or NULL when there is nothing to tell. `how` is that
 * of the events; the events inside are written in the same way. Borrowed from the call. */
enum errcode bundled_relations_make(struct call *call, const struct client_events *how,
                                    const struct stored_event *events, size_t count,
                                    const char ***out) MUST_CHECK;

#endif
