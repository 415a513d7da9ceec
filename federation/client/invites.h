#ifndef FEDERATION_CLIENT_INVITES_H
#define FEDERATION_CLIENT_INVITES_H

#include <jansson.h>

#include "homeserver/call.h"

/* PUT /_matrix/federation/v2/invite/{roomId}/{eventId}: the invited user's server is told, and
 * signs. Spec: server-server API, "Inviting to a room" (invites-v2.yaml). */
struct outgoing_invite {
    const char *origin;
    const char *destination;
    const char *room_id;
    const char *event_id;
    const char *room_version;
    const json_t *event;
    json_t *invite_room_state; /* an array */
};

/* `*event_out` is the event as it came back, unchecked. M_FORBIDDEN, M_INVITE_BLOCKED … when the
 * other server refuses. */
enum errcode federation_send_invite(struct call *call, const struct outgoing_invite *invite,
                                    json_t **event_out) MUST_CHECK;

#endif
