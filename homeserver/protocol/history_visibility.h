#ifndef HOMESERVER_PROTOCOL_HISTORY_VISIBILITY_H
#define HOMESERVER_PROTOCOL_HISTORY_VISIBILITY_H

#include <stdbool.h>

#include "homeserver/protocol/membership.h"

struct event;

/* From the most private to the most open. Spec: client-server API "Room History Visibility". */
enum history_visibility {
    HISTORY_JOINED,
    HISTORY_INVITED,
    HISTORY_SHARED,
    HISTORY_WORLD_READABLE,
};

/* Of an m.room.history_visibility event. Without the event, or when its value is not understood,
 * history is shared. */
enum history_visibility history_visibility_of(const struct event *event);

/*
 * What is known of one reader at one event. "Before" is the state before the event: what the event
 * itself changes is added by the functions below.
 */
struct event_reader {
    const struct event *visibility_before; /* m.room.history_visibility; NULL when there is none */
    enum membership membership_before;     /* of the user; MEMBERSHIP_NONE when there is none */
    bool joined_later; /* joined at any time after the event, even when they have left again */
};

/* Whether this user may read the event. */
bool user_may_see_event(const struct event *event, const char *user_id,
                        const struct event_reader *reader);

/*
 * Whether a server may be given the event: whether one of its users could read it.
 * `membership_before` is the most that any of its users had: join before invite before the rest.
 */
bool server_may_see_event(const struct event *event, const char *server_name,
                          const struct event_reader *reader);

#endif
