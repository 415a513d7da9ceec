#ifndef HOMESERVER_ROOMS_NAMED_MEMBERS_H
#define HOMESERVER_ROOMS_NAMED_MEMBERS_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/protocol/state_map.h"
#include "homeserver/rooms/room_service.h"

struct event;

/*
 * Of a room that we joined a moment ago we do not know the members: the events tell them one by
 * one, by the member events that they name to prove themselves (MSC3706). Where those say another
 * thing than the state does, the two are resolved (MSC3902): who was let go by an event that does
 * not hold can go on, who is banned can not. All of it is looked at again when the state is whole:
 * complete_state.h.
 */
struct named_members {
    struct room *room;
    const struct event *const *auth_events; /* that an event names; NULL: not known */
    const int64_t *nids;                    /* parallel; 0: not known, or of another room */
    size_t count;
};

/* A state with what the event says of members; `*out` is `state` itself when that is nothing new.
 * Borrowed from the call. */
enum errcode named_members_resolve(struct call *call, const struct named_members *named,
                                   struct state_map *state, struct state_map **out) MUST_CHECK;

#endif
