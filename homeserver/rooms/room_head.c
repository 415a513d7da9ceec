/* Immutable room heads. */
#include "homeserver/rooms/room_head.h"

#include <stdatomic.h>

struct room_head *room_head_create(const struct stored_head *stored, struct snapshot_ref snapshot,
                                   struct state_map *state_owned)
{
    struct room_head *head = calloc(1, sizeof(*head));

    if (head == NULL)
        abort();
    atomic_init(&head->references, 1);
    head->version = stored->version;
    head->depth = stored->depth;
    head->last_position = stored->last_position;
    head->snapshot = snapshot;
    head->state = state_owned;
    head->extremities = strdup(stored->extremities != NULL ? stored->extremities : "");
    if (head->extremities == NULL)
        abort();
    return head;
}

struct room_head *room_head_acquire(struct room_head *head)
{
    if (head != NULL)
        atomic_fetch_add_explicit(&head->references, 1, memory_order_relaxed);
    return head;
}

void room_head_release(struct room_head *head)
{
    if (head == NULL || atomic_fetch_sub_explicit(&head->references, 1, memory_order_acq_rel) != 1)
        return;
    state_map_release(head->state);
    cached_event_release(head->create);
    cached_event_release(head->power_levels);
    cached_event_release(head->join_rules);
    cached_event_release(head->history_visibility);
    free(head->extremities);
    free(head);
}
