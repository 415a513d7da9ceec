/* Immutable room heads. */
#include "homeserver/rooms/room_head.h"

#include <stdatomic.h>
#include <string.h>

#include "homeserver/base/arena.h"
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
    head->is_partial = stored->is_partial;
    head->completed_position = stored->completed_position;
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

static bool names(const struct head_step *step, const char *id, size_t length)
{
    for (size_t i = 0; i < step->named_count; i++) {
        if (strlen(step->named[i]) == length && memcmp(step->named[i], id, length) == 0)
            return true;
    }
    return false;
}

static size_t count_lines(const char *text)
{
    size_t count = *text != '\0' ? 1 : 0;

    for (; *text != '\0'; text++)
        count += *text == '\n' ? 1 : 0;
    return count;
}

static const char *after_line(const char *line, size_t length)
{
    return line + length + (line[length] == '\n' ? 1 : 0);
}

char *head_extremities_after(const struct room_head *head, const struct head_step *step)
{
    struct strbuf list;
    size_t count = 0;

    strbuf_init(&list, 0);
    if (step->event_id != NULL) {
        strbuf_add_string(&list, step->event_id);
        count++;
    }
    for (const char *rest = head->extremities; *rest != '\0' && count < HEAD_EXTREMITIES_MAX;) {
        size_t length = strcspn(rest, "\n");
        if (!names(step, rest, length)) {
            if (count++ > 0)
                strbuf_add_char(&list, '\n');
            strbuf_add(&list, rest, length);
        }
        rest = after_line(rest, length);
    }
    return strbuf_detach(&list, NULL);
}

const char **head_ends_split(struct arena *arena, const char *ends, size_t *count_out)
{
    const char **ids = ARENA_ARRAY(arena, count_lines(ends), const char *);
    size_t count = 0;

    while (*ends != '\0') {
        size_t length = strcspn(ends, "\n");
        ids[count++] = arena_strndup(arena, ends, length);
        ends = after_line(ends, length);
    }
    *count_out = count;
    return ids;
}

bool head_is_named_by(const struct room_head *head, const struct event *event)
{
    const struct head_step step = {
        .named = event->prev_events,
        .named_count = event->prev_event_count,
    };
    size_t count = 0;

    for (const char *rest = head->extremities; *rest != '\0'; count++) {
        size_t length = strcspn(rest, "\n");
        if (!names(&step, rest, length))
            return false;
        rest = after_line(rest, length);
    }
    return count > 0 && count == event->prev_event_count;
}
