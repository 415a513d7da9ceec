#ifndef HOMESERVER_ROOMS_SERVER_NOTICES_H
#define HOMESERVER_ROOMS_SERVER_NOTICES_H

#include <jansson.h>

#include "homeserver/accounts/requester.h"
#include "homeserver/call.h"

struct client_transaction;

/*
 * What the server itself has to say to a user, in the one room it shares with them.
 * Spec: client-server API, "Server Notices".
 */
struct server_notice {
    const char *target;    /* user ID of an account here */
    const char *type;      /* m.room.message unless somebody wants something special */
    const char *state_key; /* NULL: not a state event */
    json_t *content;
    const struct client_transaction *transaction; /* NULL: none */
};

/* Makes the room when there is none, invites the target when they are not in it, sends. M_NOT_FOUND
 * when there is no such account. */
enum errcode server_notice_send(struct call *call, const struct server_notice *notice,
                                const char **event_id_out) MUST_CHECK;

/* M_CANNOT_LEAVE_SERVER_NOTICE_ROOM when this would reject the invite to the notices. */
enum errcode server_notice_check_leave(struct call *call, const char *room_id,
                                       const struct requester *requester) MUST_CHECK;

#endif
