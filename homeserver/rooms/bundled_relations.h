#ifndef HOMESERVER_ROOMS_BUNDLED_RELATIONS_H
#define HOMESERVER_ROOMS_BUNDLED_RELATIONS_H

#include "homeserver/rooms/client_events.h"

/*
 * `unsigned.m.relations`: what children tell about their parents. For a whole page of events it
 * takes a fixed number of statements. Spec: client-server API, "Aggregations of child events".
 */

/* For those of the lists that ask for them. `out` is parallel to the lists: an array parallel to
 * the events, of JSON texts or NULL when there is nothing to tell; or NULL when there is none at
 * all. The events inside are written in the way of their list. Borrowed from the call. */
enum errcode bundled_relations_make(struct call *call, const struct client_events_list *lists,
                                    size_t count, const char ***out) MUST_CHECK;

#endif
