#ifndef HOMESERVER_ROOMS_ROOM_POLICY_H
#define HOMESERVER_ROOMS_ROOM_POLICY_H

#include <jansson.h>

#include "homeserver/protocol/policy_server.h"
#include "homeserver/rooms/room_service.h"

/*
 * Rooms whose events a policy server has to sign.
 * Spec: server-server API, "Policy Servers".
 */

/* `*needed_out`: by its current state the room uses a policy server, which has to sign the event
 * and has not. Then `out` is that server, borrowed from the call. */
enum errcode room_policy_needs(struct call *call, struct room *room, const struct room_head *head,
                               const struct event *event, struct policy_server *out,
                               bool *needed_out) MUST_CHECK;

/* Asks the server, on behalf of a hosted domain, and gives a copy of the event with its signature:
 * on the call's arena. M_FORBIDDEN when what comes is not signed by the room's key; otherwise as
 * federation_ask_policy_server(). Not to be called with a build held. */
enum errcode room_policy_ask(struct call *call, const struct policy_server *policy_server,
                             const char *origin, const struct event *event,
                             json_t **signed_out) MUST_CHECK;

#endif
