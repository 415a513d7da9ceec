#ifndef FEDERATION_MEMBERSHIP_REMOTE_MEMBERSHIP_H
#define FEDERATION_MEMBERSHIP_REMOTE_MEMBERSHIP_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/accounts/requester.h"
#include "homeserver/call.h"

/*
 * Joining, leaving and knocking where nobody of this installation is in the room: a server that is
 * there does it for us. Spec: server-server API, "Joining Rooms", "Leaving Rooms", "Knocking upon a
 * room".
 */
enum { REMOTE_SERVERS_MAX = 10 };

struct remote_membership {
    const struct requester *requester;
    const char *room_id;
    const char *membership;     /* "join", "leave", "knock" */
    const char *reason;         /* or NULL */
    const char *const *servers; /* whom to ask, in this order; those of an invite are added */
    size_t server_count;
};

/* Whether the room's own rules can be applied here: a hosted user is joined, or nobody else is. */
enum errcode room_is_here(struct call *call, const char *room_id, bool *out) MUST_CHECK;

/* Tries one server after the other. What the last one refused is returned (M_FORBIDDEN …);
 * M_NOT_FOUND when there is nobody to ask. An invite or a knock is taken back here even when no
 * server answers: the user does not want to see it any more. Committed with the call. */
enum errcode remote_membership_change(struct call *call,
                                      const struct remote_membership *change) MUST_CHECK;

/* Whether a join, although the room is here, must be asked of a server that knows all members: the
 * room lacks them, and whether this user was banned, say, is not known. */
enum errcode join_needs_others(struct call *call, const char *room_id, const char *user_id,
                               bool *out) MUST_CHECK;

#endif
