#ifndef HOMESERVER_ROOMS_GUESTS_H
#define HOMESERVER_ROOMS_GUESTS_H

#include "homeserver/rooms/room_service.h"

struct event_draft;

/* After `draft` was sent: when it ends the access of guests, the guests of this server leave.
 * Spec: client-server API, "Guest Access", "Server behaviour". */
enum errcode guests_follow(struct call *call, struct room_build *build,
                           const struct event_draft *draft) MUST_CHECK;

#endif
