/*
 * State resolution of room versions 2 to 11, and the steps that version 12 shares with it.
 * Spec: room version 2, "State resolution", "Algorithm".
 *
 * Events that were rejected when they came in are judged again like any other ("Rejected events").
 */
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/membership.h"
#include "homeserver/protocol/state_map.h"
#include "homeserver/protocol/state_resolution_internal.h"

/* Power levels, join rules, and those who are removed or banned by others. Like all servers, we
 * take only the empty state key of the first two, and count m.room.create among them. */
static bool is_power_event(const struct event *event)
{
    if (strcmp(event->type, "m.room.member") == 0)
        return strcmp(event->sender, event->state_key) != 0 &&
               (membership_of(event) == MEMBERSHIP_LEAVE || membership_of(event) == MEMBERSHIP_BAN);
    return event_is(event, "m.room.power_levels", "") || event_is(event, "m.room.join_rules", "") ||
           event_is(event, "m.room.create", "");
}

static void add_once(struct event_graph *graph, struct node_list *list, struct graph_node *node)
{
    if (!node->is_in_full_conflicted_set || node->is_sorted)
        return;
    node->is_sorted = true;
    node_list_push(graph->arena, list, node);
}

/* Step 1, first half: all power events of the full conflicted set, and those of its events that
 * they need. The walk stays within the set: an event that is only reached through others outside
 * does not count, as in every implementation. */
static enum errcode select_power_events(struct event_graph *graph, const struct node_list *events,
                                        struct node_list *out)
{
    struct node_list level = {0};

    for (size_t i = 0; i < events->count; i++) {
        if (is_power_event(events->items[i]->event))
            add_once(graph, &level, events->items[i]);
    }
    while (level.count > 0) {
        struct node_list next = {0};
        TRY(event_graph_expand(graph, &level));
        for (size_t i = 0; i < level.count; i++) {
            const struct graph_node *node = level.items[i];
            node_list_push(graph->arena, out, level.items[i]);
            for (size_t j = 0; j < node->auth_count; j++)
                add_once(graph, &next, node->auth[j]);
        }
        level = next;
    }
    return OK;
}

/* Steps 2 and 4: the iterative auth checks algorithm. */
static enum errcode apply_allowed(struct resolution *resolution, const struct node_list *events)
{
    bool allowed;

    TRY(event_graph_expand(&resolution->graph, events));
    for (size_t i = 0; i < events->count; i++) {
        TRY(resolution_allows(resolution, events->items[i], true, &allowed));
        if (allowed)
            TRY(resolution_apply(resolution, events->items[i]));
    }
    return OK;
}

struct overlay {
    const struct state_map *unconflicted;
    struct state_map *result;
};

static bool add_resolved(void *context, int64_t key, int64_t base_value, int64_t resolved)
{
    struct overlay *overlay = context;

    (void)base_value;
    if (resolved != 0 && state_map_get(overlay->unconflicted, key) == 0)
        state_map_put(&overlay->result, key, resolved);
    return true;
}

/* Step 5: where the unconflicted state map has a key, its event wins. */
static void restore_unconflicted(struct resolution *resolution, const struct state_map *base)
{
    struct state_map *unconflicted = resolution->conflict.unconflicted;
    struct overlay overlay = {unconflicted, state_map_acquire(unconflicted)};

    state_map_diff(base, resolution->state, add_resolved, &overlay);
    state_map_release(resolution->state);
    resolution->state = overlay.result;
}

static void mark_full_conflicted_set(struct event_graph *graph, const struct node_list *events,
                                     struct node_list *out)
{
    for (size_t i = 0; i < events->count; i++) {
        struct graph_node *node = events->items[i];
        if (node->is_in_full_conflicted_set || node->event->state_key == NULL)
            continue;
        node->is_in_full_conflicted_set = true;
        node_list_push(graph->arena, out, node);
    }
}

static enum errcode resolve_steps(struct resolution *resolution, const struct node_list *events)
{
    struct event_graph *graph = &resolution->graph;
    struct node_list full_set = {0}, power_events = {0}, others = {0};
    struct graph_node *power_levels;

    mark_full_conflicted_set(graph, events, &full_set);

    /* 1. The power events, in reverse topological power ordering. 2. Apply them. */
    TRY(select_power_events(graph, &full_set, &power_events));
    TRY(reverse_topological_power_order(graph, &power_events, resolution->create));
    TRY(apply_allowed(resolution, &power_events));

    /* 3. All others, in mainline order of the power levels found so far. 4. Apply them. */
    for (size_t i = 0; i < full_set.count; i++) {
        if (!full_set.items[i]->is_sorted)
            node_list_push(graph->arena, &others, full_set.items[i]);
    }
    TRY(resolution_find(resolution, "m.room.power_levels", &power_levels));
    TRY(mainline_order(graph, power_levels, &others));
    return apply_allowed(resolution, &others);
}

enum errcode resolve_full_conflicted_set(struct resolution *resolution,
                                         const struct node_list *events)
{
    struct state_map *base = state_map_acquire(resolution->state);
    enum errcode result = resolve_steps(resolution, events);

    if (result == OK)
        restore_unconflicted(resolution, base);
    state_map_release(base);
    return result;
}

enum errcode resolve_v2(struct resolution *resolution)
{
    struct node_list events = {0};

    for (size_t i = 0; i < resolution->conflict.events.count; i++)
        node_list_push(resolution->graph.arena, &events, resolution->conflict.events.items[i]);
    TRY(auth_difference(&resolution->graph, &resolution->conflict, &events));
    resolution->state = state_map_acquire(resolution->conflict.unconflicted);
    return resolve_full_conflicted_set(resolution, &events);
}
