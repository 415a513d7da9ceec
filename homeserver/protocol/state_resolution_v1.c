/*
 * State resolution of room version 1.
 * Spec: room version 1, "State resolution".
 *
 * The text speaks of one list for all conflicting m.room.member events; taken literally, the first
 * member that fails would decide for all others. Each (type, state_key) has a list of its own here,
 * as in every server that has v1 rooms, and the winners of one type count for the next types only.
 */
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/base/sha1.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/state_map.h"
#include "homeserver/protocol/state_resolution_internal.h"

/* An event with what v1 sorts by. */
struct candidate {
    struct graph_node *node;
    uint8_t hash[SHA1_BYTES];
};

/* Ascending depth, then descending sha1(event_id). */
static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;

    if (left->node->event->depth != right->node->event->depth)
        return left->node->event->depth < right->node->event->depth ? -1 : 1;
    return memcmp(right->hash, left->hash, SHA1_BYTES);
}

static struct candidate *sort_candidates(struct arena *arena, const struct node_list *events)
{
    struct candidate *candidates = ARENA_ARRAY(arena, events->count, struct candidate);

    for (size_t i = 0; i < events->count; i++) {
        const char *event_id = events->items[i]->event->event_id;
        candidates[i].node = events->items[i];
        sha1(event_id, strlen(event_id), candidates[i].hash);
    }
    qsort(candidates, events->count, sizeof(*candidates), compare_candidates);
    return candidates;
}

/* "Add the first event in the list to R. For each subsequent event … if the event would be allowed,
 * then update R with the event and continue … If it would not be allowed, stop." */
static enum errcode choose_by_succession(struct resolution *resolution,
                                         const struct conflicted_key *conflicted,
                                         struct graph_node **out)
{
    struct arena *arena = resolution->graph.arena;
    const struct candidate *candidates = sort_candidates(arena, &conflicted->events);
    bool allowed = true;

    *out = candidates[0].node;
    for (size_t i = 1; i < conflicted->events.count && allowed; i++) {
        state_map_put(&resolution->state, conflicted->key, (*out)->ref);
        TRY(resolution_allows(resolution, candidates[i].node, false, &allowed));
        if (allowed)
            *out = candidates[i].node;
    }
    state_map_put(&resolution->state, conflicted->key, 0);
    return OK;
}

/* "Just pick the event with the highest depth and lowest sha1(event_id) that passes
 * authentication in R." When none passes, the text is silent; the lowest one stays. */
static enum errcode choose_highest_allowed(struct resolution *resolution,
                                           const struct conflicted_key *conflicted,
                                           struct graph_node **out)
{
    struct arena *arena = resolution->graph.arena;
    const struct candidate *candidates = sort_candidates(arena, &conflicted->events);
    bool allowed = false;

    for (size_t i = conflicted->events.count; i > 0 && !allowed; i--) {
        *out = candidates[i - 1].node;
        TRY(resolution_allows(resolution, *out, false, &allowed));
    }
    return OK;
}

enum v1_pass { PASS_POWER_LEVELS, PASS_JOIN_RULES, PASS_MEMBERS, PASS_OTHERS, PASS_COUNT };

static enum v1_pass pass_of(const struct event *event)
{
    if (event_is(event, "m.room.power_levels", ""))
        return PASS_POWER_LEVELS;
    if (strcmp(event->type, "m.room.join_rules") == 0)
        return PASS_JOIN_RULES;
    return strcmp(event->type, "m.room.member") == 0 ? PASS_MEMBERS : PASS_OTHERS;
}

static enum errcode resolve_pass(struct resolution *resolution, enum v1_pass pass)
{
    const struct state_conflict *conflict = &resolution->conflict;
    struct graph_node **winners =
        ARENA_ARRAY(resolution->graph.arena, conflict->key_count, struct graph_node *);

    for (size_t i = 0; i < conflict->key_count; i++) {
        const struct conflicted_key *conflicted = &conflict->keys[i];
        if (conflicted->events.count == 0 || pass_of(conflicted->events.items[0]->event) != pass)
            continue;
        if (pass == PASS_OTHERS)
            TRY(choose_highest_allowed(resolution, conflicted, &winners[i]));
        else
            TRY(choose_by_succession(resolution, conflicted, &winners[i]));
    }
    for (size_t i = 0; i < conflict->key_count; i++) {
        if (winners[i] != NULL)
            state_map_put(&resolution->state, conflict->keys[i].key, winners[i]->ref);
    }
    return OK;
}

enum errcode resolve_v1(struct resolution *resolution)
{
    resolution->state = state_map_acquire(resolution->conflict.unconflicted);
    for (enum v1_pass pass = PASS_POWER_LEVELS; pass < PASS_COUNT; pass++)
        TRY(resolve_pass(resolution, pass));
    return OK;
}
