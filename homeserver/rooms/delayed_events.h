#ifndef HOMESERVER_ROOMS_DELAYED_EVENTS_H
#define HOMESERVER_ROOMS_DELAYED_EVENTS_H

#include "homeserver/call.h"
#include "storage/delayed_events.h"

/*
 * Sending what was delayed, exactly once: the event is committed together with a transaction ID
 * made of its delay ID, which another node or a repetition after a crash finds. Spec: MSC4140.
 */
enum {
    DELAYED_EVENT_MS_MAX = 24 * 60 * 60 * 1000,  /* the longest delay */
    DELAYED_EVENT_KEPT_MS = 24 * 60 * 60 * 1000, /* what is done is remembered so long */
};

/* Sends it and waits for the commit. M_NOT_FOUND when it is done already; what refused the event
 * otherwise (then it stays scheduled). */
enum errcode delayed_event_send(struct call *call, const char *delay_id) MUST_CHECK;

/* Sends what is due; what is refused is done with. For a periodic job. */
enum errcode delayed_events_send_due(struct call *call) MUST_CHECK;

#endif
