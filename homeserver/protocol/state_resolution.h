#ifndef HOMESERVER_PROTOCOL_STATE_RESOLUTION_H
#define HOMESERVER_PROTOCOL_STATE_RESOLUTION_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "homeserver/protocol/event_graph.h"

struct arena;
struct auth_signatures;
struct room_version;
struct state_map;

enum {
    STATE_SETS_MAX = 64,
    /* Events and auth checks; about the largest resolution that still ends within seconds. */
    STATE_RESOLUTION_WORK_DEFAULT = 1000000,
};

/*
 * One question: which state follows from these state sets?
 */
struct state_resolution {
    const struct room_version *version;
    struct state_map *const *state_sets; /* borrowed; e.g. the states after each prev_event */
    size_t set_count;                    /* at most STATE_SETS_MAX */
    const struct event_source *source;
    /* NULL: what was verified when the events came in still holds. */
    const struct auth_signatures *signatures;
    uint64_t work_limit;          /* 0: STATE_RESOLUTION_WORK_DEFAULT */
    const atomic_bool *cancelled; /* may be NULL; set by another thread to stop the work */
};

/*
 * Resolves by the algorithm of the room version. The result does not depend on the order of the
 * sets, and sets that are all the same come back as they are. `*out` is a map that the caller
 * releases.
 *
 * Cost: the differences between the sets, the auth difference and what is needed to find it (see
 * auth_difference()); not the state that the sets share.
 *
 * Errors: M_TOO_LARGE (more than STATE_SETS_MAX sets), E_UNAVAILABLE (the budget is used up or the
 * work was cancelled), and whatever the source answers.
 *
 * Spec: room version pages, "State resolution".
 */
enum errcode state_resolution_resolve(struct arena *arena, const struct state_resolution *request,
                                      struct state_map **out) MUST_CHECK;

#endif
