#ifndef HOMESERVER_ROOMS_RECEIVE_EVENT_H
#define HOMESERVER_ROOMS_RECEIVE_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/protocol/pdu.h"
#include "homeserver/rooms/room_service.h"

/*
 * Events that other servers made, on their way into a room: found in the graph, judged, stored.
 * Spec: server-server API, "Checks performed on receipt of a PDU", "Rejection", "Soft failure".
 */
struct reception {
    const struct pdu_signed *pdu;
    /* The state before the event as another server tells it, for when previous events can not be
     * had; all of them are stored. NULL: from the previous events. */
    const char *const *told_state;
    size_t told_state_count;
    const char *told_after; /* an event that comes after that state, and is stored; NULL: none */
    const char *policy_refusal; /* why the policy server did not sign; NULL: no objection */
    bool is_sent; /* made by a user of ours; the server that it came through tells the others */
    /* History: goes before all that is known, changes nothing. */
    bool is_history;
    int64_t history_position; /* negative */
};

enum reception_result {
    RECEPTION_ACCEPTED,
    RECEPTION_SOFT_FAILED,
    RECEPTION_REJECTED,
    RECEPTION_KNOWN,       /* it was there before */
    RECEPTION_NEEDS_PREVS, /* nothing was stored: events before it are not known */
    RECEPTION_NEEDS_AUTH,  /* nothing was stored: auth events are not known */
};

struct received {
    enum reception_result result;
    const char *why;          /* of a refusal; a fragment for the log; NULL */
    const char *const *needs; /* event IDs that are missing */
    size_t need_count;
};

/* Judges and stores the event. E_CONFLICT when the room was reset meanwhile: begin the build anew.
 * `out` is on the call's arena. Committed with the call. */
enum errcode room_receive_event(struct call *call, struct room_build *build,
                                const struct reception *reception, struct received *out) MUST_CHECK;

/* An event that is only wanted as an auth event, or as part of a state: judged by its own auth
 * events, stored without a place. */
enum errcode room_receive_outlier(struct call *call, struct room_build *build,
                                  const struct pdu_signed *pdu, struct received *out) MUST_CHECK;

/* Opens the room and repeats on E_CONFLICT. */
enum errcode room_receive(struct call *call, const char *room_id, const struct reception *reception,
                          struct received *out) MUST_CHECK;

#endif
