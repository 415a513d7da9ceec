/*
 * The two orders in which state resolution replays events.
 * Spec: room version pages, "Reverse topological power ordering" and "Mainline ordering".
 */
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_graph.h"
#include "homeserver/protocol/power_levels.h"
#include "homeserver/protocol/room_version.h"

/* The end of both orders: the older first, then the smaller event ID. */
static int compare_age(const struct event *a, const struct event *b)
{
    if (a->origin_server_ts != b->origin_server_ts)
        return a->origin_server_ts < b->origin_server_ts ? -1 : 1;
    return strcmp(a->event_id, b->event_id);
}

static bool comes_before(const struct graph_node *a, const struct graph_node *b)
{
    if (a->sender_level != b->sender_level)
        return a->sender_level > b->sender_level;
    return compare_age(a->event, b->event) < 0;
}

/* A binary heap with the event that comes first on top. */
static void heap_push(struct arena *arena, struct node_list *heap, struct graph_node *node)
{
    node_list_push(arena, heap, node);
    for (size_t i = heap->count - 1; i > 0 && comes_before(node, heap->items[(i - 1) / 2]);) {
        heap->items[i] = heap->items[(i - 1) / 2];
        i = (i - 1) / 2;
        heap->items[i] = node;
    }
}

static struct graph_node *heap_pop(struct node_list *heap)
{
    struct graph_node *top = heap->items[0];
    struct graph_node *moved = heap->items[--heap->count];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && comes_before(heap->items[child + 1], heap->items[child]))
            child++;
        if (!comes_before(heap->items[child], moved))
            break;
        heap->items[i] = heap->items[child];
        i = child;
    }
    heap->items[i] = moved;
    return top;
}

/* The sender's power level as the event's own auth events tell it. */
static int64_t level_of_sender(const struct graph_node *node, const struct event *create)
{
    const struct event *event = node->event;
    const struct graph_node *power = graph_node_auth(node, "m.room.power_levels");
    const struct graph_node *own_create = graph_node_auth(node, "m.room.create");

    /* In v12 the create event is implied by the room ID. */
    if (!event->version->room_id_is_create_hash)
        create = own_create != NULL ? own_create->event : NULL;
    const struct power_levels levels =
        power_levels_of(event->version, create, power != NULL ? power->event : NULL);
    return power_levels_user(&levels, event->sender);
}

/* Edges among the nodes to be sorted (those with is_sorted), each once. */
static void connect(struct event_graph *graph, const struct node_list *nodes)
{
    for (size_t i = 0; i < nodes->count; i++) {
        struct graph_node *node = nodes->items[i];
        for (size_t j = 0; j < node->auth_count; j++) {
            if (!node->auth[j]->is_sorted)
                continue;
            array_push(graph->arena, &node->auth[j]->successors, node);
            node->open_edges++;
        }
    }
}

enum errcode reverse_topological_power_order(struct event_graph *graph, struct node_list *nodes,
                                             const struct event *create)
{
    struct node_list ready = {0};
    size_t placed = 0;

    TRY(event_graph_expand(graph, nodes));
    for (size_t i = 0; i < nodes->count; i++) {
        nodes->items[i]->is_sorted = true;
        nodes->items[i]->sender_level = level_of_sender(nodes->items[i], create);
    }
    connect(graph, nodes);
    for (size_t i = 0; i < nodes->count; i++) {
        if (nodes->items[i]->open_edges == 0)
            heap_push(graph->arena, &ready, nodes->items[i]);
    }
    struct graph_node **sorted = ARENA_ARRAY(graph->arena, nodes->count, struct graph_node *);
    while (ready.count > 0) {
        struct graph_node *node = heap_pop(&ready);
        sorted[placed++] = node;
        for (size_t i = 0; i < node->successors.count; i++) {
            if (--node->successors.items[i]->open_edges == 0)
                heap_push(graph->arena, &ready, node->successors.items[i]);
        }
    }
    /* Event IDs of v1 and v2 are free, so somebody may tie a circle: its events are left out. */
    nodes->items = sorted;
    nodes->count = placed;
    return OK;
}

static enum errcode power_levels_before(struct event_graph *graph, struct graph_node *node,
                                        struct graph_node **out)
{
    const struct node_list one = {.items = &node, .count = 1};

    TRY(event_graph_expand(graph, &one));
    *out = graph_node_auth(node, "m.room.power_levels");
    return OK;
}

/* Numbers the mainline from its oldest event up, beginning with 1. */
static enum errcode number_mainline(struct event_graph *graph, struct graph_node *power_levels)
{
    struct node_list line = {0};
    struct graph_node *node = power_levels;

    while (node != NULL && !node->mainline_is_known) {
        node->mainline_is_known = true;
        node_list_push(graph->arena, &line, node);
        TRY(power_levels_before(graph, node, &node));
    }
    for (size_t i = 0; i < line.count; i++)
        line.items[i]->mainline_depth = line.count - i;
    return OK;
}

/* The depth of the first event on the mainline that is met by going from power levels to earlier
 * power levels. Every event passed on the way learns it, so that none is passed twice. */
static enum errcode find_mainline_depth(struct event_graph *graph, struct graph_node *start)
{
    struct node_list passed = {0};
    struct graph_node *node = start;

    while (node != NULL && !node->mainline_is_known) {
        node->mainline_is_known = true;
        node_list_push(graph->arena, &passed, node);
        TRY(power_levels_before(graph, node, &node));
    }
    for (size_t i = 0; i < passed.count; i++)
        passed.items[i]->mainline_depth = node != NULL ? node->mainline_depth : 0;
    return OK;
}

static int compare_by_mainline(const void *a, const void *b)
{
    const struct graph_node *left = *(struct graph_node *const *)a;
    const struct graph_node *right = *(struct graph_node *const *)b;

    if (left->mainline_depth != right->mainline_depth)
        return left->mainline_depth < right->mainline_depth ? -1 : 1;
    return compare_age(left->event, right->event);
}

enum errcode mainline_order(struct event_graph *graph, struct graph_node *power_levels,
                            struct node_list *nodes)
{
    TRY(event_graph_expand(graph, nodes));
    TRY(number_mainline(graph, power_levels));
    for (size_t i = 0; i < nodes->count; i++)
        TRY(find_mainline_depth(graph, nodes->items[i]));
    if (nodes->count > 0)
        qsort(nodes->items, nodes->count, sizeof(*nodes->items), compare_by_mainline);
    return OK;
}
