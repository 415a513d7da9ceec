#ifndef HOMESERVER_ROOMS_SPACE_CHILDREN_H
#define HOMESERVER_ROOMS_SPACE_CHILDREN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "homeserver/rooms/room_service.h"

/* A valid m.space.child of a space; everything is borrowed from the call. */
struct space_child {
    const char *room_id;
    const char *order;        /* NULL when there is none, or it is not valid */
    int64_t origin_server_ts; /* ms, of the event */
    json_t *stripped;         /* the event, stripped, with origin_server_ts */
    const char **servers;     /* of `via`, those that are server names */
    size_t server_count;
};

/* The children of a space in the order in which they are to be shown. Spec: "Ordering of children
 * within a space". */
enum errcode space_children_load(struct call *call, int64_t room_nid, bool suggested_only,
                                 struct space_child **out, size_t *count_out) MUST_CHECK;

/* The same from events as another server shows them: stripped, with origin_server_ts. Borrowed from
 * `events` and the arena. */
void space_children_read(struct arena *arena, const json_t *events, bool suggested_only,
                         struct space_child **out, size_t *count_out);

#endif
