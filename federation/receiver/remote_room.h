#ifndef FEDERATION_RECEIVER_REMOTE_ROOM_H
#define FEDERATION_RECEIVER_REMOTE_ROOM_H

#include "homeserver/rooms/room_service.h"

/* Asking other servers about a room. */

/* The hosted domain in whose name we ask: one with a user in the room, else the first. */
enum errcode remote_room_own_domain(struct call *call, struct room *room,
                                    const char **out) MUST_CHECK;

#endif
