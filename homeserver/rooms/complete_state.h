#ifndef HOMESERVER_ROOMS_COMPLETE_STATE_H
#define HOMESERVER_ROOMS_COMPLETE_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/rooms/room_service.h"

/*
 * The end of a partial-state join (MSC3706, MSC3902). A room that was joined without all of its
 * members lives on what the events tell of them (receive_event.c). When the state that our join was
 * built on is here, everything since is gone through again, in the order of the graph: the state
 * before each event, whether it is allowed there, and at the end the room's head with all that
 * follows from it. One journal entry: readers see the room before or after, nothing between. Nobody
 * builds on the room meanwhile; the told state is read before, so what they wait for is the events
 * since the join, which are few, and the rows of its members.
 */
struct room_completion {
    struct room *room;
    int64_t join_nid;             /* our join */
    const char *const *state_ids; /* the state before it; as far as they hold they are stored */
    size_t state_count;
    const char *upon_id; /* one more event that came after these; NULL: none */
};

/* Waits for the commit. E_CONFLICT when the room moved on another node: to be repeated. M_NOT_FOUND
 * when the room waits for nothing (any more). E_REMOTE when this can not be the state. */
enum errcode room_complete_state(struct call *call,
                                 const struct room_completion *completion) MUST_CHECK;

/* Nobody of ours is in the room any more: it stays as little known as it is. Waits for the commit.
 */
enum errcode room_abandon_state(struct call *call, struct room *room) MUST_CHECK;

#endif
