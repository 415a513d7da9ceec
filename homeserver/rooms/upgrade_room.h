#ifndef HOMESERVER_ROOMS_UPGRADE_ROOM_H
#define HOMESERVER_ROOMS_UPGRADE_ROOM_H

#include <jansson.h>

#include "homeserver/accounts/requester.h"
#include "homeserver/rooms/room_service.h"

/* Replaces a room by one of another version. Spec: client-server API, "Room Upgrades". */
struct room_upgrade {
    const struct requester *requester;
    const char *room_id;
    const struct room_version *version;
    json_t *additional_creators; /* array of user IDs, or NULL */
};

/* M_FORBIDDEN unless the requester is joined and may send m.room.tombstone; M_NOT_FOUND. Waits for
 * the new room to be committed before the old one is closed, and for the old one. Who asks while
 * somebody else's upgrade of the room runs gets the room that comes of it. */
enum errcode room_upgrade(struct call *call, const struct room_upgrade *upgrade,
                          const char **new_room_id_out) MUST_CHECK;

/* For somebody who has just joined: what they had set for the room that this one replaces (its
 * tags, its place among the direct chats, its push rule) holds here as well. */
enum errcode room_carry_over(struct call *call, struct room *room,
                             const struct requester *requester) MUST_CHECK;

#endif
