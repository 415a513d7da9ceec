#ifndef HOMESERVER_ROOMS_ROOM_HEAD_H
#define HOMESERVER_ROOMS_ROOM_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/protocol/state_map.h"
#include "homeserver/rooms/cached_event.h"
#include "storage/events.h"
#include "storage/memberships.h"
#include "storage/state_snapshots.h"

/*
 * What the next event of a room is built on: its state, its forward extremities, and the events
 * that decide almost every question, already parsed. Immutable and reference counted, so a reader
 * may keep one while the room goes on.
 */
struct room_head {
    _Atomic int references;
    int64_t version;               /* as in room_heads.version */
    int64_t depth;                 /* of the deepest event */
    _Atomic int64_t last_position; /* of the newest committed event when it was loaded */
    struct snapshot_ref snapshot;
    struct state_map *state;
    char *extremities; /* event IDs separated by newlines */
    struct member_counts members;
    bool is_partial;             /* members are missing in the state: see rooms/complete_state.h */
    int64_t completed_position;  /* when that ended; 0: it was never so */
    struct cached_event *create; /* NULL only while the room is being created */
    struct cached_event *power_levels;       /* NULL: the room has none */
    struct cached_event *join_rules;         /* NULL: the room has none */
    struct cached_event *history_visibility; /* NULL: the room has none */
};

struct room_head *room_head_acquire(struct room_head *head);
void room_head_release(struct room_head *head);

/* A head with one reference; takes `state`, copies `extremities`, acquires nothing else. */
struct room_head *room_head_create(const struct stored_head *stored, struct snapshot_ref snapshot,
                                   struct state_map *state_owned);

/* The extremities of `head` after an event: without those that it names, with itself first.
 * malloc'ed. An event names at most PREV_EVENTS_MAX of them, so there may be many: what one event
 * can not name is left for the next ones. Only a flood makes more than HEAD_EXTREMITIES_MAX; then
 * the oldest are dropped. */
enum { HEAD_EXTREMITIES_MAX = 2000 };
struct event;
struct head_step {
    const char *event_id; /* NULL: it does not become one itself */
    const char *const *named;
    size_t named_count;
};
char *head_extremities_after(const struct room_head *head, const struct head_step *step);

/* Event IDs separated by newlines, one by one; on the arena. */
struct arena;
const char **head_ends_split(struct arena *arena, const char *ends, size_t *count_out);

/* Whether the event names just the extremities of the head: then the state before it is the head's.
 */
bool head_is_named_by(const struct room_head *head, const struct event *event);

#endif
