#ifndef HOMESERVER_ROOMS_SEND_EVENT_H
#define HOMESERVER_ROOMS_SEND_EVENT_H

#include "homeserver/rooms/event_draft.h"
#include "homeserver/rooms/room_service.h"

/*
 * The one way in for events of local users: build on the room's head, authorise, hand to the
 * journal. The event is not committed when these return; the answer to the client waits for
 * call->commits.
 *
 * M_FORBIDDEN with the rule that refused it; M_TOO_LARGE, M_BAD_JSON for the content; M_NOT_FOUND
 * for the room; E_CONFLICT when the room was reset meanwhile (the handler runs again).
 * `*event_id_out` is borrowed from the call.
 */
enum errcode room_send_event(struct call *call, const char *room_id,
                             const struct event_draft *draft, const char **event_id_out) MUST_CHECK;

/* The same inside a build that the caller holds, for those who send several events in a row. */
enum errcode room_append_event(struct call *call, struct room_build *build,
                               const struct event_draft *draft,
                               const char **event_id_out) MUST_CHECK;

/* Builds and authorises, and puts nothing into the room. `out->arena` belongs to the caller. */
struct built_event;
enum errcode room_prepare_event(struct call *call, struct room_build *build,
                                const struct event_draft *draft,
                                struct built_event *out) MUST_CHECK;

#endif
