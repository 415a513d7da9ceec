#ifndef HOMESERVER_ROOMS_UPGRADED_STATE_H
#define HOMESERVER_ROOMS_UPGRADED_STATE_H

#include <jansson.h>
#include <stdbool.h>

#include "homeserver/rooms/create_room.h"

/*
 * What a room takes along into its successor: the state that is not bound to who sent it.
 */
struct upgraded_state {
    json_t *initial_state; /* as createRoom takes it; borrowed from the call */
    json_t *power_levels;  /* content for the new room; NULL: the old room has none */
    json_t *first_levels;  /* what the new room begins with, so that its creator may set all this */
    bool levels_are_raised; /* first_levels differ: power_levels are to be sent at the end */
};

enum errcode upgraded_state_make(struct call *call, struct room *old_room,
                                 const struct room_head *head, const struct new_room *new_room,
                                 const struct requester *creator,
                                 struct upgraded_state *out) MUST_CHECK;

#endif
