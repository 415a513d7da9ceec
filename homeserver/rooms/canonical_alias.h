#ifndef HOMESERVER_ROOMS_CANONICAL_ALIAS_H
#define HOMESERVER_ROOMS_CANONICAL_ALIAS_H

#include <jansson.h>

#include "homeserver/call.h"

/* Whether every alias that a new m.room.canonical_alias adds points to the room: M_BAD_ALIAS, or
 * M_INVALID_PARAM for what is no alias. Those that the present event has already may stay.
 * Spec: client-server API, "m.room.canonical_alias". */
enum errcode canonical_alias_check(struct call *call, const char *room_id,
                                   json_t *content) MUST_CHECK;

#endif
