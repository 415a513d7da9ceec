#ifndef FEDERATION_RECEIVER_INVITE_INTAKE_H
#define FEDERATION_RECEIVER_INVITE_INTAKE_H

#include <jansson.h>

#include "homeserver/rooms/room_service.h"
#include "storage/federation_inbox.h"

/*
 * Invites of our users by other servers, to rooms that we are not in: all we know of the room is
 * what the invite shows. Spec: server-server API, "Inviting to a room".
 */
struct remote_invite {
    const char *origin;
    const char *room_id;
    const char *event_id;
    const char *room_version;
    json_t *event;
    json_t *stripped_state; /* an array, or NULL */
};

/* Checks, signs for the invited user, and tells that user. `*signed_out` is the event with our
 * signature, on the call's arena. M_UNSUPPORTED_ROOM_VERSION, M_BAD_JSON, M_FORBIDDEN,
 * M_INVITE_BLOCKED, M_NOT_FOUND: no such user. */
enum errcode invite_receive(struct call *call, const struct remote_invite *invite,
                            json_t **signed_out) MUST_CHECK;

/* Events of a room that we are not in: one that takes back an invite, or answers a knock, is
 * followed; the others are passed over. */
enum errcode invite_follow(struct call *call, struct room *room, const struct inbox_pdu *rows,
                           size_t count) MUST_CHECK;

#endif
