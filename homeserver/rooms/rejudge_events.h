#ifndef HOMESERVER_ROOMS_REJUDGE_EVENTS_H
#define HOMESERVER_ROOMS_REJUDGE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/protocol/state_map.h"
#include "homeserver/rooms/room_service.h"
#include "storage/events.h"

struct event;

/*
 * Events of a room that were judged by a state which turns out to be another: from one event on,
 * each is judged again in the state that its previous events really make. Nothing is stored here.
 */
struct rejudged_event {
    const struct stored_event *stored;
    const struct event *event;
    bool is_touched;          /* by what changed; the others stay as they are */
    struct state_map *before; /* the state before it; borrowed from the call, as all states here */
    struct state_map *after;
    unsigned flags; /* from now on; enum event_flag */
    /* With EVENT_JUMP among the flags: the room's state around its arrival. */
    struct state_map *jump_before;
    struct state_map *jump_after;
};

struct rejudgement {
    struct room *room;
    const struct room_head *head;
    int64_t first_nid; /* the event whose state before it is known … */
    int64_t first_position;
    struct state_map *first_before; /* … to be this */
    /* Filled in. */
    struct rejudged_event *events; /* the first and all since, in order of position */
    size_t count;
    const char *extremities; /* the ends of the room, without those that are rejected now */
    struct state_map *state; /* where they meet */
};

/* Everything must be committed. */
enum errcode events_rejudge(struct call *call, struct rejudgement *rejudgement) MUST_CHECK;

#endif
