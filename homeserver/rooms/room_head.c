/* Immutable room heads. */
#include "homeserver/rooms/room_head.h"

#include <stdatomic.h>
#include <string.h>

#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/event.h"

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

static bool names(const struct event *event, const char *id, size_t length)
{
    for (size_t i = 0; i < event->prev_event_count; i++) {
        if (strlen(event->prev_events[i]) == length &&
            memcmp(event->prev_events[i], id, length) == 0)
            return true;
    }
    return false;
}

char *head_extremities_after(const struct room_head *head, const struct event *event)
{
    struct strbuf list;
    size_t count = 1;

    strbuf_init(&list, 0);
    strbuf_add_string(&list, event->event_id);
    for (const char *rest = head->extremities; *rest != '\0' && count < HEAD_EXTREMITIES_MAX;) {
        size_t length = strcspn(rest, "\n");
        if (!names(event, rest, length)) {
            strbuf_add_char(&list, '\n');
            strbuf_add(&list, rest, length);
            count++;
        }
        rest += length + (rest[length] == '\n' ? 1 : 0);
    }
    return strbuf_detach(&list, NULL);
}

bool head_is_named_by(const struct room_head *head, const struct event *event)
{
    size_t count = 0;

    for (const char *rest = head->extremities; *rest != '\0'; count++) {
        size_t length = strcspn(rest, "\n");
        if (!names(event, rest, length))
            return false;
        rest += length + (rest[length] == '\n' ? 1 : 0);
    }
    return count > 0 && count == event->prev_event_count;
}
