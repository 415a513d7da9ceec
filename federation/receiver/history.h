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
    int64_t
        position; /* events up to it are wanted; forwards: after it, over a gap (history_gaps.h) */
    bool backwards;
    int64_t count;
};
struct history_reach {
    bool has_more;  /* there is still something that could be asked for */
    bool over_gaps; /* nobody has what is missing: what lies behind may be shown without it */
};

/* Sees to it that so many events are stored, as far as other servers have them. Waits for the
 * commit. Servers that do not answer are no failure. */
enum errcode history_obtain(struct call *call, const struct history_wish *wish,
                            struct history_reach *out) MUST_CHECK;

/*
 * The event closest to a time may lie where this server has a hole. Spec: server-server API,
 * "Retrieving events by timestamp" (events.yaml).
 */
struct timestamp_wish {
    struct room *room;
    int64_t ts;
    bool backwards; /* the newest event until then; otherwise the oldest from then on */
    bool has_known;
    int64_t known_ts; /* of the closest event that is stored */
};

/* When the room has holes: asks three servers side by side for a closer event, and fetches history
 * until it is stored, or, when it lies too far back, it alone. Waits for the commit; blocks for a
 * minute at worst. Servers that do not answer are no failure. */
enum errcode history_approach(struct call *call, const struct timestamp_wish *wish) MUST_CHECK;

#endif
