#ifndef FEDERATION_CLIENT_SPACE_HIERARCHY_H
#define FEDERATION_CLIENT_SPACE_HIERARCHY_H

#include <jansson.h>

#include "homeserver/call.h"

/* What another server shows of a room: the `room` of its answer, of which only the ID is checked.
 * Whether our user may see it is for the caller to judge. Spec: server-server API, "Spaces"
 * (space_hierarchy.yaml). */
struct hierarchy_question {
    const char *origin; /* the hosted domain that asks */
    const char *destination;
    const char *room_id;
};
enum errcode federation_ask_room(struct call *call, const struct hierarchy_question *question,
                                 json_t **out) MUST_CHECK;

#endif
