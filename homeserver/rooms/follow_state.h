#ifndef HOMESERVER_ROOMS_FOLLOW_STATE_H
#define HOMESERVER_ROOMS_FOLLOW_STATE_H

#include <stdint.h>

#include "homeserver/protocol/state_map.h"
#include "homeserver/rooms/room_service.h"
#include "storage/memberships.h"

struct journal_entry;

/*
 * When a room's state changes by more than what one event says: brings everything in line that is
 * kept beside the state (memberships, summary, user directory), and counts the members.
 */
struct state_change {
    struct room *room;
    const struct state_map *before;
    const struct state_map *after;
    /* The event whose arrival made the change; it is not stored yet. NULL: all are. */
    const struct event *cause;
    int64_t cause_nid;
    const char *stripped_state;   /* of an invite that is the cause; or NULL */
    struct member_counts members; /* before; then after */
};

/* Adds to the journal entry of `cause`. Tells the watchdog of members and powers that nobody took
 * away. */
enum errcode state_follow_in(struct call *call, struct journal_entry *entry,
                             struct state_change *change) MUST_CHECK;

/* The watchdog's alarms; asked for once at the start, so that the first one is an increase. */
struct metric_counter *state_resets_counter(void);

#endif
