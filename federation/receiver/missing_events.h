#ifndef FEDERATION_RECEIVER_MISSING_EVENTS_H
#define FEDERATION_RECEIVER_MISSING_EVENTS_H

#include "homeserver/rooms/receive_event.h"

/*
 * Events that refer to others which we lack: asks the server that sent them, within limits.
 * Spec: server-server API, "Retrieving missing events", "Retrieving event authorization
 * information", "Backfilling and retrieving missing events".
 */
struct event_origin {
    const char *room_id;
    const char *server_name; /* whom to ask */
    /* It has waited long enough for a policy server that does not answer: soft-failed without. */
    bool was_patient;
};

/* room_receive(), with what is missing fetched. M_NOT_FOUND when it can not be had; E_UNAVAILABLE
 * while the room's policy server does not answer: nothing was stored. */
enum errcode receive_with_help(struct call *call, const struct event_origin *origin,
                               const struct reception *reception, struct received *out) MUST_CHECK;

/* The same for history: what is before it is not asked for, only the state there. */
enum errcode receive_history(struct call *call, const struct event_origin *origin,
                             const struct reception *reception, struct received *out) MUST_CHECK;

#endif
