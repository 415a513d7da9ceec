#ifndef HOMESERVER_PROTOCOL_EVENT_GRAPH_H
#define HOMESERVER_PROTOCOL_EVENT_GRAPH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/array.h"
#include "homeserver/base/error.h"

struct arena;
struct event;
struct state_map;

/*
 * The part of a room's auth graph that one state resolution looks at: nodes are events, edges lead
 * from an event to its `auth_events`. Nodes are fetched when they are first reached, each once.
 */

/*
 * Where events come from. A reference is a positive number that stands for an event, a key one that
 * stands for a (type, state_key); the same numbers as in the state maps. An answer of 0 or NULL
 * means "not known here"; an error ends the resolution with that error.
 */
struct event_source {
    void *context;
    enum errcode (*event)(void *context, int64_t ref, const struct event **out);
    enum errcode (*event_ref)(void *context, const char *event_id, int64_t *out);
    enum errcode (*state_key)(void *context, const char *type, const char *state_key, int64_t *out);

    /* Optional: told of many events about to be asked for, one by one. */
    enum errcode (*prefetch)(void *context, const int64_t *refs, size_t count);

    /* Optional index: the events that name this one among their `auth_events`. Without it, an
     * event that is no longer part of any state may cost a walk over the whole state. */
    enum errcode (*cited_by)(void *context, int64_t ref, const int64_t **refs_out,
                             size_t *count_out);
};

/* Whether an event is in the auth chain of what all state sets have in common. */
enum commonness { COMMON_UNKNOWN, COMMON_YES, COMMON_NO };

struct graph_node {
    int64_t ref;
    const struct event *event; /* NULL: not known here; such a node is never among `auth` */
    struct graph_node **auth;
    size_t auth_count;
    bool auth_is_loaded;

    /* Auth difference and conflicted subgraph. */
    uint64_t state_sets; /* bit i: it is in state set i or in the auth chain of one that is */
    enum commonness common;
    uint32_t search; /* the last upward search that came by */
    bool is_queued;
    bool is_visited;         /* by the walk down from the shared state */
    bool is_conflicted;      /* a state set has it at a key where another has not */
    bool is_below_conflict;  /* or it is in the auth chain of one that is */
    bool reaches_conflicted; /* a conflicted event is in its auth chain */
    bool is_in_full_conflicted_set;
    ARRAY_OF(struct graph_node *) cited_by; /* as far as they are below a conflict */

    /* Orders. */
    bool is_sorted; /* has, or is about to get, a place among the power events */
    int64_t sender_level;
    size_t open_edges; /* auth events in the graph being sorted that are not placed yet */
    ARRAY_OF(struct graph_node *) successors;
    bool mainline_is_known;
    size_t mainline_depth; /* 0: not on the mainline; else counted from its oldest event */
};

struct node_list {
    struct graph_node **items;
    size_t count;
    size_t capacity;
};

struct event_graph {
    struct arena *arena;
    const struct event_source *source;
    uint64_t work_left;           /* events and auth checks that may still be looked at */
    const atomic_bool *cancelled; /* may be NULL */
    struct graph_node **buckets;  /* open addressing by ref; capacity is a power of two */
    size_t bucket_count;
    size_t node_count;
    uint32_t searches;
};

void event_graph_init(struct event_graph *graph, struct arena *arena,
                      const struct event_source *source, uint64_t work_limit,
                      const atomic_bool *cancelled);

/* Takes one step off the budget; E_UNAVAILABLE when it is used up or the work was cancelled. */
enum errcode event_graph_spend(struct event_graph *graph) MUST_CHECK;

/* The node of an event, fetched when new. Its `event` is NULL when the event is not known. */
enum errcode event_graph_node(struct event_graph *graph, int64_t ref,
                              struct graph_node **out) MUST_CHECK;

/* Loads the auth events of all these nodes, fetching what is new in one go. */
enum errcode event_graph_expand(struct event_graph *graph,
                                const struct node_list *nodes) MUST_CHECK;

/* The auth event of this node with that type and an empty state key; NULL when there is none. */
struct graph_node *graph_node_auth(const struct graph_node *node, const char *type);

void node_list_push(struct arena *arena, struct node_list *list, struct graph_node *node);

/*
 * What the state sets agree on, and the events where they do not.
 */
struct conflicted_key {
    int64_t key;
    struct node_list events; /* the different ones that are known here */
};

struct state_conflict {
    struct state_map *unconflicted; /* what all sets have; without the conflicted keys */
    const struct conflicted_key *keys;
    size_t key_count;
    struct node_list events; /* those at all conflicted keys; each once, with its `state_sets` */
    size_t set_count;        /* at most 64: the bits of `state_sets` */
};

/* Whether this event is part of the state that all sets have in common. */
enum errcode state_conflict_is_settled(struct event_graph *graph,
                                       const struct state_conflict *conflict,
                                       const struct graph_node *node, bool *out) MUST_CHECK;

/*
 * Adds to `out` the events that are in the auth chain of some state set but not of all, where a
 * chain includes the events it starts from.
 *
 * Cost: the walk goes down from the conflicted events and stops wherever it meets an event that all
 * sets share, so it stays within what the forks do not share. Whether an event that is no longer
 * in any state is shared is found with the `cited_by` index by walking up until a shared event
 * shows, which for a shared event is near and for a fork is bounded by the fork. Without the index
 * the chains of the shared state are walked, nearest events first, and only as far as needed.
 */
enum errcode auth_difference(struct event_graph *graph, const struct state_conflict *conflict,
                             struct node_list *out) MUST_CHECK;

/* Adds to `out` the events on auth paths between two conflicted events (v2.1), ends excluded.
 * Cost: the auth chains of the conflicted events. */
enum errcode conflicted_subgraph(struct event_graph *graph, const struct state_conflict *conflict,
                                 struct node_list *out) MUST_CHECK;

/*
 * Sorts events, auth events first; where the graph leaves a choice, the one whose sender has the
 * higher power level (as its own auth events say), then the older, then the smaller event ID.
 * Only edges among `nodes` count. `create` is the room's create event or NULL.
 */
enum errcode reverse_topological_power_order(struct event_graph *graph, struct node_list *nodes,
                                             const struct event *create) MUST_CHECK;

/* Sorts by the place of each event's power levels on the mainline of `power_levels` (NULL: there
 * is none), then by age, then by event ID. */
enum errcode mainline_order(struct event_graph *graph, struct graph_node *power_levels,
                            struct node_list *nodes) MUST_CHECK;

#endif
