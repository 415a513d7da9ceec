#ifndef HOMESERVER_PROTOCOL_STATE_RESOLUTION_INTERNAL_H
#define HOMESERVER_PROTOCOL_STATE_RESOLUTION_INTERNAL_H

#include "homeserver/protocol/state_resolution.h"

/* What the algorithms share. */
struct resolution {
    const struct state_resolution *request;
    struct event_graph graph;
    struct state_conflict conflict;
    struct state_map *state;    /* owned; what was resolved so far */
    const struct event *create; /* v12: found by the room ID; else NULL */

    /* While an event is judged. */
    const struct graph_node *judged; /* NULL: its own auth events do not help */
    enum errcode failure;
};

/* Whether the rules allow the event in the state resolved so far. With `use_auth_events`, state
 * that is missing there is taken from the event's own auth events, but for rejected ones. */
enum errcode resolution_allows(struct resolution *resolution, const struct graph_node *node,
                               bool use_auth_events, bool *out) MUST_CHECK;

/* Makes the event part of the resolved state. */
enum errcode resolution_apply(struct resolution *resolution,
                              const struct graph_node *node) MUST_CHECK;

/* The event that the resolved state has at this type and an empty state key, or NULL. */
enum errcode resolution_find(struct resolution *resolution, const char *type,
                             struct graph_node **out) MUST_CHECK;

/* Each leaves its result in `resolution->state`, the unconflicted state included. */
enum errcode resolve_v1(struct resolution *resolution) MUST_CHECK;
enum errcode resolve_v2(struct resolution *resolution) MUST_CHECK;
enum errcode resolve_v2_1(struct resolution *resolution) MUST_CHECK;

/* Steps 1 to 5, that v2 and v2.1 have in common, on a full conflicted set and from
 * `resolution->state`. */
enum errcode resolve_full_conflicted_set(struct resolution *resolution,
                                         const struct node_list *events) MUST_CHECK;

#endif
