#ifndef HOMESERVER_ROOMS_REMOTE_ROOMS_H
#define HOMESERVER_ROOMS_REMOTE_ROOMS_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/rooms/space_children.h"
#include "storage/room_summaries.h"

/*
 * Rooms that nobody of this server is in, as the servers in them show them to us. Whether a user
 * may see one is judged as for our own rooms (room_preview.h): what is shown to this server need
 * not be for each of its users.
 * Spec: server-server API, "Spaces" (space_hierarchy.yaml).
 */
struct remote_room {
    struct room_summary summary; /* room_nid 0 */
    bool knows_children;         /* false: it is a space, and what is in it was not told */
    struct space_child *children;
    size_t child_count;
};

struct remote_answer {
    struct remote_room room;
    struct remote_room *children; /* those below it that the server knows and may show us */
    size_t count;
    const char **inaccessible; /* those that it knows and may not show us */
    size_t inaccessible_count;
    size_t bytes; /* of its JSON */
};

struct remote_question {
    const char *room_id;
    const char *const *servers; /* that may be in it, the likeliest first; ours are passed over */
    size_t server_count;
    struct remote_answer *answer; /* filled in, on the call's arena; NULL: nobody told */
};

struct remote_asking {
    const char *origin;  /* the hosted domain that asks */
    bool suggested_only; /* of the children */
    bool only_known;     /* answers that are remembered, no calls */
};

/* Answers are remembered for some minutes. Rooms are asked for side by side, each at three servers
 * at most, one after the other: blocks for 30 s at worst. */
enum errcode remote_rooms_ask(struct call *call, const struct remote_asking *asking,
                              struct remote_question *questions, size_t count) MUST_CHECK;

/* For the room service, which holds what is remembered. */
struct cache *remote_rooms_cache_create(void);

#endif
