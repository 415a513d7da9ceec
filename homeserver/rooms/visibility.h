#ifndef HOMESERVER_ROOMS_VISIBILITY_H
#define HOMESERVER_ROOMS_VISIBILITY_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/accounts/requester.h"
#include "homeserver/rooms/room_service.h"
#include "storage/events.h"
#include "storage/memberships.h"

/*
 * Access to a room's data, as a proof: whoever reads events of a room for somebody makes a reader
 * first, and the functions that hand out events want it.
 * Spec: client-server API, "Room History Visibility".
 */
struct room_reader {
    struct room *room;
    const struct requester *requester;
    const struct room_head *head;     /* borrowed from the call */
    struct membership_row membership; /* .membership 0: never had to do with the room */
    int64_t until; /* nothing after this position: where the user left, or the newest */
};

/* M_FORBIDDEN when the user may see nothing at all of the room: never was in it (or was, and forgot
 * it) and it is not world readable. M_NOT_FOUND is never given away: an unknown room is M_FORBIDDEN
 * too. Users who left, or were banned, read what was visible until then. */
enum errcode room_reader_make(struct call *call, const char *room_id,
                              const struct requester *requester,
                              struct room_reader *out) MUST_CHECK;

/* M_FORBIDDEN unless the user is joined. */
enum errcode room_reader_make_joined(struct call *call, const char *room_id,
                                     const struct requester *requester,
                                     struct room_reader *out) MUST_CHECK;

/* visible_out[i] tells whether the reader may see events[i]. Events of other rooms never are. */
enum errcode visibility_check(struct call *call, const struct room_reader *reader,
                              const struct stored_event *events, size_t count,
                              bool *visible_out) MUST_CHECK;

/* Moves the visible events to the front, in order; `*count` becomes their number. */
enum errcode visibility_filter(struct call *call, const struct room_reader *reader,
                               struct stored_event *events, size_t *count) MUST_CHECK;

/* One event by its ID. M_NOT_FOUND also when it is not visible or in another room. */
enum errcode visible_event_load(struct call *call, const struct room_reader *reader,
                                const char *event_id, struct stored_event *out) MUST_CHECK;

/* The state that the reader may see: the current one for members, that of their leaving for those
 * who left. Borrowed from the call. */
enum errcode room_reader_state(struct call *call, const struct room_reader *reader,
                               struct state_map **out) MUST_CHECK;

#endif
