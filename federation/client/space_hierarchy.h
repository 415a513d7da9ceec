#ifndef FEDERATION_CLIENT_SPACE_HIERARCHY_H
#define FEDERATION_CLIENT_SPACE_HIERARCHY_H

#include <jansson.h>
#include <stddef.h>

#include "homeserver/call.h"

/* What another server shows of a room and of those below it: its answer is an object whose `room`
 * has the ID asked for, and nothing else in it is checked. Whether our user may see it is for the
 * caller to judge. Spec: server-server API, "Spaces" (space_hierarchy.yaml). */
struct hierarchy_question {
    const char *origin; /* the hosted domain that asks */
    const char *destination;
    const char *room_id;
    json_t *answer; /* filled in: borrowed from the call; NULL when there was none */
};

/* Asks all side by side; blocks for 10 s at most. */
enum errcode federation_ask_hierarchies(struct call *call, struct hierarchy_question *questions,
                                        size_t count) MUST_CHECK;

#endif
