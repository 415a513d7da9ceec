#ifndef HOMESERVER_ROOMS_CLOSEST_EVENT_H
#define HOMESERVER_ROOMS_CLOSEST_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/rooms/room_service.h"
#include "storage/events.h"

/*
 * The event of a room whose origin_server_ts is closest to a time, among those that whoever asks
 * may see. Spec: client-server API, "Getting events by timestamp": the closest *visible* one would
 * be no use if it stopped at the first that is hidden.
 */
struct closest_search {
    struct room *room;
    int64_t ts;
    bool backwards;
    /* As of visibility_check() and server_view_filter(). */
    enum errcode (*check)(struct call *call, const void *who, const struct stored_event *events,
                          size_t count, bool *visible_out);
    const void *who;
};

/* M_NOT_FOUND when there is none on that side, or all of the next few thousand are hidden. */
enum errcode closest_event_find(struct call *call, const struct closest_search *search,
                                struct stored_event *out) MUST_CHECK;

#endif
