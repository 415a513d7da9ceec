#ifndef HOMESERVER_ROOMS_RESOLVE_STATE_H
#define HOMESERVER_ROOMS_RESOLVE_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/protocol/state_map.h"
#include "homeserver/rooms/room_service.h"

/*
 * State resolution with storage behind it.
 */
struct resolve_request {
    struct room *room;
    struct state_map *const *states; /* borrowed */
    size_t count;
    /* An event in one of the states that is not stored yet; NULL: none. */
    const struct event *fresh;
    int64_t fresh_nid;
};

/* `*out` is borrowed from the call. Errors as state_resolution_resolve(). */
enum errcode room_resolve_states(struct call *call, const struct resolve_request *request,
                                 struct state_map **out) MUST_CHECK;

/* Whether two states are the same. */
bool room_states_equal(const struct state_map *a, const struct state_map *b);

#endif
