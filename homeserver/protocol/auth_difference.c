/*
 * Which events the forks of a room do not share: the auth difference, and the conflicted subgraph
 * of version 2.1.
 * Spec: room version pages, "State resolution", "Definitions".
 *
 * The specification lets the auth chain of a state set begin after the events of the set. Every
 * implementation that resolves state today lets it begin with them, which keeps an event that all
 * sets have from counting as a difference; rooms would split over the letter, so do we.
 */
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_graph.h"
#include "homeserver/protocol/state_map.h"

enum errcode state_conflict_is_settled(struct event_graph *graph,
                                       const struct state_conflict *conflict,
                                       const struct graph_node *node, bool *out)
{
    const struct event_source *source = graph->source;
    int64_t key = 0;

    *out = false;
    if (node->event->state_key == NULL)
        return OK;
    TRY(source->state_key(source->context, node->event->type, node->event->state_key, &key));
    *out = key != 0 && state_map_get(conflict->unconflicted, key) == node->ref;
    return OK;
}

/* The walk down from the shared state, as far as it went. */
struct shared_walk {
    const struct state_conflict *conflict;
    struct node_list frontier;
    bool near_events_are_seeded;
    bool whole_state_is_seeded;
};

static void mark_shared(struct event_graph *graph, struct node_list *list, struct graph_node *node)
{
    if (node->event == NULL || node->is_visited)
        return;
    node->is_visited = true;
    node->common = COMMON_YES;
    node_list_push(graph->arena, list, node);
}

static enum errcode seed_key(struct event_graph *graph, struct shared_walk *walk, const char *type,
                             const char *state_key)
{
    const struct event_source *source = graph->source;
    struct graph_node *node;
    int64_t key = 0;

    TRY(source->state_key(source->context, type, state_key, &key));
    int64_t ref = key != 0 ? state_map_get(walk->conflict->unconflicted, key) : 0;
    if (ref == 0)
        return OK;
    TRY(event_graph_node(graph, ref, &node));
    mark_shared(graph, &walk->frontier, node);
    return OK;
}

/* Where the chains of the conflicted events most likely meet the shared ones. */
static enum errcode seed_near_events(struct event_graph *graph, struct shared_walk *walk)
{
    const struct node_list *events = &walk->conflict->events;

    TRY(seed_key(graph, walk, "m.room.power_levels", ""));
    TRY(seed_key(graph, walk, "m.room.join_rules", ""));
    TRY(seed_key(graph, walk, "m.room.create", ""));
    for (size_t i = 0; i < events->count; i++) {
        const struct event *event = events->items[i]->event;
        TRY(seed_key(graph, walk, "m.room.member", event->sender));
        TRY(seed_key(graph, walk, "m.room.member", event->state_key));
    }
    return OK;
}

struct ref_list {
    struct arena *arena;
    ARRAY_OF(int64_t) refs;
};

static bool collect_ref(void *context, int64_t key, int64_t value)
{
    struct ref_list *list = context;

    (void)key;
    array_push(list->arena, &list->refs, value);
    return true;
}

static enum errcode seed_whole_state(struct event_graph *graph, struct shared_walk *walk)
{
    const struct event_source *source = graph->source;
    struct ref_list list = {.arena = graph->arena};
    struct graph_node *node;

    state_map_visit(walk->conflict->unconflicted, collect_ref, &list);
    if (source->prefetch != NULL && list.refs.count > 0)
        TRY(source->prefetch(source->context, list.refs.items, list.refs.count));
    for (size_t i = 0; i < list.refs.count; i++) {
        TRY(event_graph_node(graph, list.refs.items[i], &node));
        mark_shared(graph, &walk->frontier, node);
    }
    return OK;
}

/* One level further down; seeds more when the frontier is used up. False when all is walked. */
static enum errcode walk_shared_level(struct event_graph *graph, struct shared_walk *walk,
                                      bool *out)
{
    struct node_list next = {0};

    *out = true;
    if (walk->frontier.count == 0 && !walk->near_events_are_seeded) {
        walk->near_events_are_seeded = true;
        return seed_near_events(graph, walk);
    }
    if (walk->frontier.count == 0 && !walk->whole_state_is_seeded) {
        walk->whole_state_is_seeded = true;
        return seed_whole_state(graph, walk);
    }
    *out = walk->frontier.count > 0;
    TRY(event_graph_expand(graph, &walk->frontier));
    for (size_t i = 0; i < walk->frontier.count; i++) {
        const struct graph_node *node = walk->frontier.items[i];
        for (size_t j = 0; j < node->auth_count; j++)
            mark_shared(graph, &next, node->auth[j]);
    }
    walk->frontier = next;
    return OK;
}

/* An event on the way up, and the place of the one that it cites. */
struct ascent {
    struct graph_node *node;
    size_t below;
};

struct ascent_list {
    struct ascent *items;
    size_t count;
    size_t capacity;
};

/* What a shared event cites, directly or not, is shared. */
static void mark_path_shared(const struct ascent_list *list, size_t place)
{
    for (; place > 0; place = list->items[place].below)
        list->items[place].node->common = COMMON_YES;
    list->items[0].node->common = COMMON_YES;
}

static void ascend(struct event_graph *graph, struct ascent_list *list, struct graph_node *node,
                   size_t below)
{
    const struct ascent ascent = {node, below};

    node->search = graph->searches;
    array_push(graph->arena, list, ascent);
}

/* Visits those that cite the event at `place`; true in `found` when one of them is shared. */
static enum errcode search_level(struct event_graph *graph, const struct state_conflict *conflict,
                                 struct ascent_list *list, size_t place, bool *found)
{
    const struct event_source *source = graph->source;
    const int64_t *refs;
    size_t count;

    TRY(event_graph_spend(graph));
    TRY(source->cited_by(source->context, list->items[place].node->ref, &refs, &count));
    for (size_t i = 0; i < count && !*found; i++) {
        struct graph_node *node;
        TRY(event_graph_node(graph, refs[i], &node));
        if (node->event == NULL || node->search == graph->searches || node->common == COMMON_NO)
            continue;
        if (node->common == COMMON_UNKNOWN)
            TRY(state_conflict_is_settled(graph, conflict, node, found));
        *found = *found || node->common == COMMON_YES;
        ascend(graph, list, node, place);
    }
    return OK;
}

/* Looks for a shared event among those that cite `start`, and those that cite them, and so on.
 * Decides `common` for `start`, and for all that it passed if there is none. */
static enum errcode search_upwards(struct event_graph *graph, const struct state_conflict *conflict,
                                   struct graph_node *start)
{
    struct ascent_list list = {0};
    bool found = false;

    graph->searches++;
    ascend(graph, &list, start, 0);
    for (size_t i = 0; i < list.count && !found; i++)
        TRY(search_level(graph, conflict, &list, i, &found));
    if (found)
        mark_path_shared(&list, list.count - 1);
    for (size_t i = 0; i < list.count && !found; i++)
        list.items[i].node->common = COMMON_NO;
    return OK;
}

/* Decides node->common. */
static enum errcode find_out_if_shared(struct event_graph *graph, struct shared_walk *walk,
                                       struct graph_node *node)
{
    bool is_settled, go_on = true;

    if (node->common != COMMON_UNKNOWN)
        return OK;
    TRY(state_conflict_is_settled(graph, walk->conflict, node, &is_settled));
    if (is_settled)
        node->common = COMMON_YES;
    else if (graph->source->cited_by != NULL)
        return search_upwards(graph, walk->conflict, node);
    while (node->common == COMMON_UNKNOWN && go_on)
        TRY(walk_shared_level(graph, walk, &go_on));
    if (node->common == COMMON_UNKNOWN)
        node->common = COMMON_NO;
    return OK;
}

/* Tells the auth events of `node` which state sets lead to it; those that learn something new are
 * queued, to pass it on. */
static enum errcode pass_on(struct event_graph *graph, struct shared_walk *walk,
                            const struct graph_node *node, struct node_list *queue,
                            struct node_list *reached)
{
    for (size_t i = 0; i < node->auth_count; i++) {
        struct graph_node *auth = node->auth[i];
        TRY(find_out_if_shared(graph, walk, auth));
        if (auth->common == COMMON_YES || (auth->state_sets | node->state_sets) == auth->state_sets)
            continue;
        if (auth->state_sets == 0)
            node_list_push(graph->arena, reached, auth);
        auth->state_sets |= node->state_sets;
        if (!auth->is_queued)
            node_list_push(graph->arena, queue, auth);
        auth->is_queued = true;
    }
    return OK;
}

enum errcode auth_difference(struct event_graph *graph, const struct state_conflict *conflict,
                             struct node_list *out)
{
    uint64_t all_sets = UINT64_MAX >> (64 - conflict->set_count);
    struct shared_walk walk = {.conflict = conflict};
    struct node_list queue = conflict->events, reached = {0};

    while (queue.count > 0) {
        struct node_list next = {0};
        TRY(event_graph_expand(graph, &queue));
        for (size_t i = 0; i < queue.count; i++) {
            queue.items[i]->is_queued = false;
            TRY(event_graph_spend(graph));
            TRY(pass_on(graph, &walk, queue.items[i], &next, &reached));
        }
        queue = next;
    }
    for (size_t i = 0; i < reached.count; i++) {
        if (reached.items[i]->state_sets != all_sets)
            node_list_push(graph->arena, out, reached.items[i]);
    }
    return OK;
}

/* Everything below the conflicted events, each once; afterwards every event down there knows which
 * of them cite it. */
static enum errcode walk_conflicted_chains(struct event_graph *graph,
                                           const struct state_conflict *conflict)
{
    struct node_list level = conflict->events;

    for (size_t i = 0; i < level.count; i++)
        level.items[i]->is_below_conflict = true;
    while (level.count > 0) {
        struct node_list next = {0};
        TRY(event_graph_expand(graph, &level));
        for (size_t i = 0; i < level.count; i++) {
            struct graph_node *node = level.items[i];
            for (size_t j = 0; j < node->auth_count; j++) {
                array_push(graph->arena, &node->auth[j]->cited_by, node);
                if (!node->auth[j]->is_below_conflict)
                    node_list_push(graph->arena, &next, node->auth[j]);
                node->auth[j]->is_below_conflict = true;
            }
        }
        level = next;
    }
    return OK;
}

enum errcode conflicted_subgraph(struct event_graph *graph, const struct state_conflict *conflict,
                                 struct node_list *out)
{
    struct node_list stack = {0};

    TRY(walk_conflicted_chains(graph, conflict));
    for (size_t i = 0; i < conflict->events.count; i++)
        node_list_push(graph->arena, &stack, conflict->events.items[i]);
    while (stack.count > 0) {
        const struct graph_node *node = stack.items[--stack.count];
        for (size_t i = 0; i < node->cited_by.count; i++) {
            struct graph_node *above = node->cited_by.items[i];
            if (above->reaches_conflicted)
                continue;
            above->reaches_conflicted = true;
            node_list_push(graph->arena, &stack, above);
            if (!above->is_conflicted)
                node_list_push(graph->arena, out, above);
        }
    }
    return OK;
}
