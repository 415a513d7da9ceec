/*
 * State resolution: what the sets have in common, what not, and the choice of the algorithm.
 * Spec: room version pages, "State resolution".
 */
#include "homeserver/protocol/state_resolution.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/auth_rules.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/protocol/state_map.h"
#include "homeserver/protocol/state_resolution_internal.h"

struct key_list {
    struct arena *arena;
    ARRAY_OF(int64_t) keys;
};

static bool collect_key(void *context, int64_t key, int64_t old_value, int64_t new_value)
{
    struct key_list *list = context;

    (void)old_value;
    (void)new_value;
    array_push(list->arena, &list->keys, key);
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

/* The keys at which not all sets agree, each once. */
static void find_differing_keys(const struct state_resolution *request, struct key_list *out)
{
    size_t unique = 0;

    for (size_t i = 1; i < request->set_count; i++)
        state_map_diff(request->state_sets[0], request->state_sets[i], collect_key, out);
    if (out->keys.count == 0)
        return;
    qsort(out->keys.items, out->keys.count, sizeof(int64_t), compare_numbers);
    for (size_t i = 1; i < out->keys.count; i++) {
        if (out->keys.items[i] != out->keys.items[unique])
            out->keys.items[++unique] = out->keys.items[i];
    }
    out->keys.count = unique + 1;
}

/* In v1, a key that some sets lack and on which the others agree is no conflict. */
static int64_t agreed_value(const struct state_resolution *request, int64_t key)
{
    int64_t agreed = 0;

    for (size_t i = 0; i < request->set_count; i++) {
        int64_t value = state_map_get(request->state_sets[i], key);
        if (value != 0 && agreed != 0 && value != agreed)
            return 0;
        if (value != 0)
            agreed = value;
    }
    return agreed;
}

static enum errcode add_conflicted_key(struct resolution *resolution, int64_t key,
                                       struct conflicted_key *out)
{
    const struct state_resolution *request = resolution->request;
    struct arena *arena = resolution->graph.arena;
    struct graph_node *node;

    out->key = key;
    for (size_t i = 0; i < request->set_count; i++) {
        int64_t ref = state_map_get(request->state_sets[i], key);
        if (ref == 0)
            continue;
        TRY(event_graph_node(&resolution->graph, ref, &node));
        if (node->event == NULL || node->event->state_key == NULL)
            continue;
        node->state_sets |= UINT64_C(1) << i;
        if (node->is_conflicted)
            continue;
        node->is_conflicted = true;
        node_list_push(arena, &out->events, node);
        node_list_push(arena, &resolution->conflict.events, node);
    }
    return OK;
}

static enum errcode prefetch_conflicted(struct resolution *resolution, const struct key_list *list)
{
    const struct state_resolution *request = resolution->request;
    const struct event_source *source = request->source;
    ARRAY_OF(int64_t) refs = {0};

    for (size_t i = 0; source->prefetch != NULL && i < list->keys.count; i++) {
        for (size_t j = 0; j < request->set_count; j++) {
            int64_t ref = state_map_get(request->state_sets[j], list->keys.items[i]);
            if (ref != 0)
                array_push(list->arena, &refs, ref);
        }
    }
    return refs.count > 0 ? source->prefetch(source->context, refs.items, refs.count) : OK;
}

/* Divides the state into the unconflicted map and the conflicted events. */
static enum errcode separate(struct resolution *resolution, const struct key_list *list)
{
    const struct state_resolution *request = resolution->request;
    struct state_conflict *conflict = &resolution->conflict;
    bool missing_is_conflict = request->version->state_resolution != STATE_RESOLUTION_V1;
    struct conflicted_key *keys =
        ARENA_ARRAY(resolution->graph.arena, list->keys.count, struct conflicted_key);

    conflict->unconflicted = state_map_acquire(request->state_sets[0]);
    conflict->keys = keys;
    conflict->set_count = request->set_count;
    TRY(prefetch_conflicted(resolution, list));
    for (size_t i = 0; i < list->keys.count; i++) {
        int64_t key = list->keys.items[i];
        int64_t agreed = missing_is_conflict ? 0 : agreed_value(request, key);
        state_map_put(&conflict->unconflicted, key, agreed);
        if (agreed == 0)
            TRY(add_conflicted_key(resolution, key, &keys[conflict->key_count++]));
    }
    return OK;
}

/* v12: the create event is the one that the room ID is made of. */
static enum errcode find_create(struct resolution *resolution)
{
    const struct event_source *source = resolution->request->source;
    struct graph_node *node;
    int64_t ref = 0;

    if (!resolution->request->version->room_id_is_create_hash ||
        resolution->conflict.events.count == 0)
        return OK;
    const char *room_id = resolution->conflict.events.items[0]->event->room_id;
    const char *event_id = arena_printf(resolution->graph.arena, "$%s", room_id + 1);
    TRY(source->event_ref(source->context, event_id, &ref));
    if (ref == 0)
        return OK;
    TRY(event_graph_node(&resolution->graph, ref, &node));
    resolution->create = node->event;
    return OK;
}

static const struct event *lookup_state(void *context, const char *type, const char *state_key)
{
    struct resolution *resolution = context;
    const struct event_source *source = resolution->request->source;
    const struct graph_node *judged = resolution->judged;
    struct graph_node *node = NULL;
    int64_t key = 0;

    if (resolution->failure == OK)
        resolution->failure = source->state_key(source->context, type, state_key, &key);
    int64_t ref = key != 0 ? state_map_get(resolution->state, key) : 0;
    if (resolution->failure == OK && ref != 0)
        resolution->failure = event_graph_node(&resolution->graph, ref, &node);
    if (resolution->failure != OK)
        return NULL;
    if (node != NULL && node->event != NULL)
        return node->event;
    for (size_t i = 0; judged != NULL && i < judged->auth_count; i++) {
        const struct event *event = judged->auth[i]->event;
        if (!event->rejected && event_is(event, type, state_key))
            return event;
    }
    return NULL;
}

enum errcode resolution_allows(struct resolution *resolution, const struct graph_node *node,
                               bool use_auth_events, bool *out)
{
    const struct auth_signatures *signatures = resolution->request->signatures;
    const struct auth_state state = {
        .lookup = lookup_state,
        .context = resolution,
        .create = resolution->create,
        .signatures = signatures != NULL ? signatures : &auth_signatures_verified_before,
    };
    const char *why;

    TRY(event_graph_spend(&resolution->graph));
    resolution->judged = use_auth_events ? node : NULL;
    *out = auth_rules_check(node->event, &state, &why);
    return resolution->failure;
}

enum errcode resolution_apply(struct resolution *resolution, const struct graph_node *node)
{
    const struct event_source *source = resolution->request->source;
    int64_t key = 0;

    TRY(source->state_key(source->context, node->event->type, node->event->state_key, &key));
    /* A source knows the keys of the events that it has. */
    if (key == 0)
        return E_SYSTEM;
    state_map_put(&resolution->state, key, node->ref);
    return OK;
}

enum errcode resolution_find(struct resolution *resolution, const char *type,
                             struct graph_node **out)
{
    const struct event_source *source = resolution->request->source;
    int64_t key = 0;

    *out = NULL;
    TRY(source->state_key(source->context, type, "", &key));
    int64_t ref = key != 0 ? state_map_get(resolution->state, key) : 0;
    if (ref != 0)
        TRY(event_graph_node(&resolution->graph, ref, out));
    if (*out != NULL && (*out)->event == NULL)
        *out = NULL;
    return OK;
}

static enum errcode run_algorithm(struct resolution *resolution)
{
    TRY(find_create(resolution));
    switch (resolution->request->version->state_resolution) {
    case STATE_RESOLUTION_V1:
        return resolve_v1(resolution);
    case STATE_RESOLUTION_V2:
        return resolve_v2(resolution);
    case STATE_RESOLUTION_V2_1:
        return resolve_v2_1(resolution);
    }
    return E_SYSTEM;
}

static void resolution_finish(struct resolution *resolution)
{
    state_map_release(resolution->conflict.unconflicted);
    state_map_release(resolution->state);
}

enum errcode state_resolution_resolve(struct arena *arena, const struct state_resolution *request,
                                      struct state_map **out)
{
    SCOPED(resolution_finish) struct resolution resolution = {.request = request};
    struct key_list differing = {.arena = arena};
    uint64_t work_limit =
        request->work_limit != 0 ? request->work_limit : STATE_RESOLUTION_WORK_DEFAULT;

    if (request->set_count > STATE_SETS_MAX)
        return M_TOO_LARGE;
    find_differing_keys(request, &differing);
    if (differing.keys.count == 0) {
        *out = request->set_count > 0 ? state_map_acquire(request->state_sets[0]) : NULL;
        return OK;
    }
    event_graph_init(&resolution.graph, arena, request->source, work_limit, request->cancelled);
    TRY(separate(&resolution, &differing));
    TRY(run_algorithm(&resolution));
    *out = state_map_acquire(resolution.state);
    return OK;
}
