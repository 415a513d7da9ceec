#ifndef FEDERATION_RECEIVER_HISTORY_H
#define FEDERATION_RECEIVER_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/rooms/room_service.h"

/*
 * History from before we were in a room, or that we missed: fetched from servers that are there
 * when a client reads so far back. Spec: server-server API, "Backfilling and retrieving missing
 * events".
 */
struct history_wish {
    struct room *room;
    int64_t before; /* position; events before it are wanted */
    int64_t count;
};

/* Sees to it that so many events are stored, as far as other servers have them. Waits for the
 * commit. `has_more_out`: there is still something that could be asked for. Servers that do not
 * answer are no failure. */
enum errcode history_obtain(struct call *call, const struct history_wish *wish,
                            bool *has_more_out) MUST_CHECK;

#endif
