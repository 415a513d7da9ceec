#ifndef HOMESERVER_ROOMS_CANONICAL_ALIAS_H
#define HOMESERVER_ROOMS_CANONICAL_ALIAS_H

#include <jansson.h>

#include "homeserver/rooms/room_service.h"

struct requester;

/* Whether every alias that a new m.room.canonical_alias adds points to the room: M_BAD_ALIAS, or
 * M_INVALID_PARAM for what is no alias. Those that the present event has already may stay.
 * Spec: client-server API, "m.room.canonical_alias". */
enum errcode canonical_alias_check(struct call *call, const char *room_id,
                                   json_t *content) MUST_CHECK;

/* An alias was deleted: takes it out of the room's m.room.canonical_alias as well, if the requester
 * may change that. Otherwise the event stays as it is, which is no failure. */
enum errcode canonical_alias_forget(struct call *call, struct room *room,
                                    const struct requester *requester,
                                    const char *alias) MUST_CHECK;

#endif
