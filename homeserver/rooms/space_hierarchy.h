#ifndef HOMESERVER_ROOMS_SPACE_HIERARCHY_H
#define HOMESERVER_ROOMS_SPACE_HIERARCHY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/rooms/room_service.h"
#include "storage/room_summaries.h"

/*
 * The tree of rooms below a space, depth first, each room once.
 * Spec: client-server API, "Spaces" (GET hierarchy).
 */
enum { HIERARCHY_ROOMS_MAX = 10000 };

struct hierarchy_query {
    const char *root;
    const char *origin; /* the hosted domain that asks other servers */
    int64_t user_nid;
    bool suggested_only;
    int64_t max_depth; /* the root has depth 0 */
    size_t skip;       /* rooms of earlier pages */
    size_t limit;
};

struct hierarchy_room {
    const struct room_summary *summary;
    json_t *children_state; /* stripped child events with origin_server_ts; borrowed */
};

struct hierarchy_page {
    struct hierarchy_room *rooms;
    size_t count;
    bool has_more;
};

/* M_FORBIDDEN when the user may not see the root, or there is none. Costs a few statements for each
 * space on the way, however many rooms it holds. Rooms that nobody of this server is in are shown
 * as their `via` servers show them; those that are not told of within a minute are left out. */
enum errcode hierarchy_walk(struct call *call, const struct hierarchy_query *query,
                            struct hierarchy_page *out) MUST_CHECK;

#endif
