#ifndef HOMESERVER_PROTOCOL_SLIDING_WINDOW_H
#define HOMESERVER_PROTOCOL_SLIDING_WINDOW_H

#include "homeserver/protocol/sliding_request.h"

/*
 * Which rooms a sliding sync request is about: the lists' filters and ranges over the user's rooms,
 * and what is wanted of each room when several lists and a subscription match it (MSC4186, "Lists
 * and subscriptions"). Pure: it is given what it needs to know of each room.
 */

/* How the user stands to a room of the list. */
enum sliding_membership {
    SLIDING_JOINED = 1,
    SLIDING_INVITED = 2,
    SLIDING_KNOCKED = 3,
    SLIDING_LEFT = 4,
    SLIDING_BANNED = 5,
};

/* A room of the user. */
struct sliding_room {
    int64_t room_nid;
    const char *room_id;
    size_t index;     /* for who made it */
    int64_t activity; /* position of what happened last; larger is more recent */
    enum sliding_membership membership;
    bool is_listed; /* false: only for subscriptions (left by the user, and told) */
    bool is_dm;
    bool is_encrypted;
    const char *room_type; /* NULL: none */
    const char *const *tags;
    size_t tag_count;
    const char *const *spaces; /* those asked for that the room is a child of */
    size_t space_count;
};

/* A room that the request is about, and all that is wanted of it. */
struct sliding_match {
    const struct sliding_room *room;
    int64_t timeline_limit; /* the largest one */
    const struct required_state **wanted;
    size_t wanted_count;
    const char **lists; /* names of the lists that show it */
    size_t list_count;
};

struct sliding_window {
    struct sliding_match *matches; /* most recent activity first */
    size_t match_count;
    const int64_t *counts; /* rooms that pass the filter; parallel to the request's lists */
};

/* Sorts `rooms` by activity. */
void sliding_window_compute(struct arena *arena, const struct sliding_request *request,
                            struct sliding_room *rooms, size_t count, struct sliding_window *out);

/* Whether an extension speaks of a room. */
bool sliding_extension_covers(const struct sliding_extension *extension,
                              const struct sliding_request *request,
                              const struct sliding_match *match);

/* What is wanted of a room as text, to be remembered and compared: a JSON array of
 * `required_state` objects. */
const char *sliding_wanted_format(struct arena *arena, const struct sliding_match *match);

/* True when any of them selects the key. */
bool sliding_wanted_selects(const struct required_state *const *wanted, size_t count,
                            const struct state_pattern *key, const char *me);

#endif
