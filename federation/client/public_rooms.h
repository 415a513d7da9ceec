#ifndef FEDERATION_CLIENT_PUBLIC_ROOMS_H
#define FEDERATION_CLIENT_PUBLIC_ROOMS_H

#include <jansson.h>

#include "homeserver/call.h"

/* A page of another server's published rooms. `query` is what the client asked for: the body of
 * POST /publicRooms. Of the answer the members of the specification are kept; entries without a
 * room ID are left out. Spec: server-server API, "Public Room Directory" (public_rooms.yaml). */
struct public_rooms_question {
    const char *origin; /* the hosted domain that asks */
    const char *destination;
    const json_t *query;
};
enum errcode federation_ask_public_rooms(struct call *call,
                                         const struct public_rooms_question *question,
                                         json_t **out) MUST_CHECK;

#endif
