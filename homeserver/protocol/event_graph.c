/*
 * The auth graph of a room as far as it was looked at: fetching and finding nodes.
 */
#include "homeserver/protocol/event_graph.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/protocol/event.h"

enum { FIRST_BUCKETS = 256 };

void event_graph_init(struct event_graph *graph, struct arena *arena,
                      const struct event_source *source, uint64_t work_limit,
                      const atomic_bool *cancelled)
{
    *graph = (struct event_graph){
        .arena = arena,
        .source = source,
        .work_left = work_limit,
        .cancelled = cancelled,
        .buckets = ARENA_ARRAY(arena, FIRST_BUCKETS, struct graph_node *),
        .bucket_count = FIRST_BUCKETS,
    };
}

enum errcode event_graph_spend(struct event_graph *graph)
{
    if (graph->work_left == 0)
        return E_UNAVAILABLE;
    if (graph->cancelled != NULL && atomic_load_explicit(graph->cancelled, memory_order_relaxed))
        return E_UNAVAILABLE;
    graph->work_left--;
    return OK;
}

/* References are numbers of our own making, so a multiplicative hash will do. */
static size_t bucket_of(const struct event_graph *graph, int64_t ref)
{
    uint64_t hash = (uint64_t)ref * UINT64_C(0x9e3779b97f4a7c15);
    size_t bucket = (size_t)(hash >> 32) & (graph->bucket_count - 1);

    while (graph->buckets[bucket] != NULL && graph->buckets[bucket]->ref != ref)
        bucket = (bucket + 1) & (graph->bucket_count - 1);
    return bucket;
}

static void grow_buckets(struct event_graph *graph)
{
    struct graph_node **old = graph->buckets;
    size_t old_count = graph->bucket_count;

    graph->bucket_count *= 2;
    graph->buckets = ARENA_ARRAY(graph->arena, graph->bucket_count, struct graph_node *);
    for (size_t i = 0; i < old_count; i++) {
        if (old[i] != NULL)
            graph->buckets[bucket_of(graph, old[i]->ref)] = old[i];
    }
}

static bool is_known(const struct event_graph *graph, int64_t ref)
{
    return graph->buckets[bucket_of(graph, ref)] != NULL;
}

enum errcode event_graph_node(struct event_graph *graph, int64_t ref, struct graph_node **out)
{
    struct graph_node *node = graph->buckets[bucket_of(graph, ref)];
    const struct event *event = NULL;

    if (node == NULL) {
        TRY(event_graph_spend(graph));
        TRY(graph->source->event(graph->source->context, ref, &event));
        if (graph->node_count * 2 >= graph->bucket_count)
            grow_buckets(graph);
        node = ARENA_NEW(graph->arena, struct graph_node);
        node->ref = ref;
        node->event = event;
        graph->buckets[bucket_of(graph, ref)] = node;
        graph->node_count++;
    }
    *out = node;
    return OK;
}

/* The references that an event's auth_events stand for; 0 where one is not known. */
static enum errcode auth_refs(struct event_graph *graph, const struct event *event, int64_t *out)
{
    const struct event_source *source = graph->source;

    for (size_t i = 0; i < event->auth_event_count; i++)
        TRY(source->event_ref(source->context, event->auth_events[i], &out[i]));
    return OK;
}

/* An event that is about to get its auth events. */
struct expansion {
    struct graph_node *node;
    int64_t *refs;
};

static enum errcode load_auth(struct event_graph *graph, const struct expansion *expansion)
{
    struct graph_node *node = expansion->node;
    size_t count = node->event->auth_event_count;
    struct graph_node *auth;

    node->auth = ARENA_ARRAY(graph->arena, count, struct graph_node *);
    for (size_t i = 0; i < count; i++) {
        if (expansion->refs[i] == 0)
            continue;
        TRY(event_graph_node(graph, expansion->refs[i], &auth));
        if (auth->event != NULL)
            node->auth[node->auth_count++] = auth;
    }
    return OK;
}

enum errcode event_graph_expand(struct event_graph *graph, const struct node_list *nodes)
{
    const struct event_source *source = graph->source;
    struct expansion *expansions = ARENA_ARRAY(graph->arena, nodes->count, struct expansion);
    ARRAY_OF(int64_t) wanted = {0};
    size_t count = 0;

    for (size_t i = 0; i < nodes->count; i++) {
        struct graph_node *node = nodes->items[i];
        if (node->auth_is_loaded || node->event == NULL)
            continue;
        node->auth_is_loaded = true;
        int64_t *refs = ARENA_ARRAY(graph->arena, node->event->auth_event_count, int64_t);
        TRY(auth_refs(graph, node->event, refs));
        for (size_t j = 0; j < node->event->auth_event_count; j++) {
            if (refs[j] != 0 && !is_known(graph, refs[j]))
                array_push(graph->arena, &wanted, refs[j]);
        }
        expansions[count++] = (struct expansion){node, refs};
    }
    if (source->prefetch != NULL && wanted.count > 0)
        TRY(source->prefetch(source->context, wanted.items, wanted.count));
    for (size_t i = 0; i < count; i++)
        TRY(load_auth(graph, &expansions[i]));
    return OK;
}

struct graph_node *graph_node_auth(const struct graph_node *node, const char *type)
{
    for (size_t i = 0; i < node->auth_count; i++) {
        if (event_is(node->auth[i]->event, type, ""))
            return node->auth[i];
    }
    return NULL;
}

void node_list_push(struct arena *arena, struct node_list *list, struct graph_node *node)
{
    array_push(arena, list, node);
}
