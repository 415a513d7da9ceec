#ifndef FEDERATION_RECEIVER_EVENT_SET_H
#define FEDERATION_RECEIVER_EVENT_SET_H

#include "homeserver/call.h"
#include "homeserver/protocol/pdu.h"

/*
 * Many events of one room that another server told us at once (a state and its auth chains): each
 * is judged by its own auth events, those first. None needs to be stored.
 */
struct event_set;

/* Events that were judged before: others may name them as auth events. */
struct known_events {
    const struct event *const *items;
    size_t count;
    const struct event *create; /* of the room; NULL: it is among those to be judged */
};

/* NULLs among the events are passed over, doubled ones count once. On the call's arena. */
enum errcode event_set_judge(struct call *call, const struct pdu_signed *const *pdus, size_t count,
                             const struct known_events *known, struct event_set **out) MUST_CHECK;

/* NULL when it is not in the set. One that names auth events which are neither there nor known, or
 * is its own ancestor, is rejected. */
const struct pdu_authorised *event_set_find(const struct event_set *set, const char *event_id);

/* The room's create event; NULL when there is none that holds. */
const struct event *event_set_create(const struct event_set *set);

/* All of them, auth events first. */
const struct pdu_authorised *const *event_set_events(const struct event_set *set,
                                                     size_t *count_out);

#endif
