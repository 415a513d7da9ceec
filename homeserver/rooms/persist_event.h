#ifndef HOMESERVER_ROOMS_PERSIST_EVENT_H
#define HOMESERVER_ROOMS_PERSIST_EVENT_H

#include "homeserver/rooms/event_builder.h"
#include "homeserver/rooms/event_draft.h"
#include "homeserver/rooms/room_service.h"

/*
 * The one way into the timeline: turns an authorised event into a journal entry with everything
 * that follows from it (state, membership, redaction, whom to wake), and moves the room's head.
 * Takes `built->arena`.
 */
enum errcode persist_event(struct call *call, struct room_build *build,
                           const struct event_draft *draft, struct built_event *built) MUST_CHECK;

/*
 * Where an event of another server belongs when it does not simply come next: in a branch, or where
 * branches meet. All is borrowed.
 */
struct graph_place {
    int64_t event_nid;     /* taken before: the states below name it */
    int64_t state_key_nid; /* 0: not a state event */
    bool was_outlier;      /* it is stored already, without its state */
    struct state_map *before;
    int64_t before_nid;      /* the snapshot of `before`; 0: to be stored */
    struct state_map *after; /* of the room from then on: its head resolved */
    const char *extremities; /* from then on */
    const char *const *missing_prevs;
    size_t missing_prev_count;
};
enum errcode persist_event_at(struct call *call, struct room_build *build,
                              const struct event_draft *draft, struct built_event *built,
                              const struct graph_place *place) MUST_CHECK;

/* Adds a state to a journal entry, as a difference to that of the head. */
struct journal_entry;
enum errcode persist_snapshot_in(struct call *call, const struct room_build *build,
                                 struct journal_entry *entry, struct state_map *state,
                                 struct snapshot_ref *out) MUST_CHECK;

#endif
