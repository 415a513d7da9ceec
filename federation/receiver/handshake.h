#ifndef FEDERATION_RECEIVER_HANDSHAKE_H
#define FEDERATION_RECEIVER_HANDSHAKE_H

#include <jansson.h>

#include "federation/receiver/room_access.h"
#include "homeserver/protocol/pdu.h"

/*
 * The two steps by which users of another server join, leave or knock: a template of the event
 * (make_*), and the event that the other server made of it (send_*).
 * Spec: server-server API, "Joining Rooms", "Leaving Rooms", "Knocking upon a room".
 */
struct handshake {
    const char *membership; /* "join", "leave", "knock" */
    const char *origin;     /* the server that asks */
    const char *room_id;
    const char *user_id;  /* make */
    const char *event_id; /* send */
    json_t *event;        /* send: the body */
};

/* `*out` is on the call's arena. M_FORBIDDEN when the rules would refuse the event,
 * M_UNABLE_TO_AUTHORISE_JOIN, M_UNABLE_TO_GRANT_JOIN for restricted rooms. */
enum errcode handshake_make(struct call *call, const struct handshake *handshake,
                            const struct server_view *view, json_t **out) MUST_CHECK;

/* Checks, signs where a restricted join needs it, and sends the event to the room. Waits for the
 * commit. */
struct handshake_event {
    const struct pdu_signed *pdu;
    struct stored_event stored;
};
enum errcode handshake_send(struct call *call, const struct handshake *handshake,
                            const struct server_view *view, struct handshake_event *out) MUST_CHECK;

#endif
