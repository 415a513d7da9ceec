#ifndef FEDERATION_MEMBERSHIP_REMOTE_INVITE_H
#define FEDERATION_MEMBERSHIP_REMOTE_INVITE_H

#include "homeserver/rooms/membership.h"

/*
 * Inviting a user of another server into a room of ours: that server is asked first, and only what
 * it signed goes into the room. As membership_change(); what the other server refuses comes back as
 * its code, E_REMOTE or E_TIMEOUT when it can not be reached.
 * Spec: server-server API, "Inviting to a room".
 */
enum errcode remote_invite(struct call *call, const char *room_id,
                           const struct membership_change *change) MUST_CHECK;

#endif
