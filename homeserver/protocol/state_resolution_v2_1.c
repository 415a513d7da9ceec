/*
 * State resolution of room version 12: as v2, but the replay starts from an empty state, and the
 * events between conflicted events are replayed with them.
 * Spec: room version 12, "State resolution".
 */
#include "homeserver/base/arena.h"
#include "homeserver/protocol/state_resolution_internal.h"

enum errcode resolve_v2_1(struct resolution *resolution)
{
    struct event_graph *graph = &resolution->graph;
    struct node_list events = {0};

    for (size_t i = 0; i < resolution->conflict.events.count; i++)
        node_list_push(graph->arena, &events, resolution->conflict.events.items[i]);
    TRY(auth_difference(graph, &resolution->conflict, &events));
    TRY(conflicted_subgraph(graph, &resolution->conflict, &events));
    resolution->state = NULL; /* the empty map */
    return resolve_full_conflicted_set(resolution, &events);
}
