#ifndef HOMESERVER_ROOMS_BRANCHES_H
#define HOMESERVER_ROOMS_BRANCHES_H

#include "homeserver/rooms/event_builder.h"
#include "homeserver/rooms/persist_event.h"
#include "homeserver/rooms/room_service.h"

/*
 * Rooms whose graph has several ends: the state where they meet.
 */

/* An event that is not stored yet; all zero: there is none. */
struct fresh_event {
    const struct event *event;
    int64_t event_nid;
    struct state_map *after; /* the state after it */
};

/* Resolves states; doubles cost nothing. `*out` is borrowed from the call. */
struct state_list {
    struct state_map **items;
    size_t count;
};
enum errcode branches_merge(struct call *call, struct room *room, const struct state_list *states,
                            const struct fresh_event *fresh, struct state_map **out) MUST_CHECK;

/* The state of a room whose ends these are (event IDs separated by newlines). */
enum errcode branches_state(struct call *call, struct room *room, const char *ends,
                            const struct fresh_event *fresh, struct state_map **out) MUST_CHECK;

/* What an event of ours stands on: the head, or, when that has more ends than an event can name,
 * the part of it that the event will name. Borrowed from the call. */
enum errcode branches_base(struct call *call, const struct room_build *build,
                           struct room_head **out) MUST_CHECK;

/* The place of an event of ours that was built on such a part. Borrowed from the call. */
enum errcode branches_place(struct call *call, const struct room_build *build,
                            const struct room_head *base, const struct built_event *built,
                            struct graph_place *out) MUST_CHECK;

#endif
