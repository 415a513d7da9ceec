#ifndef HOMESERVER_ROOMS_RESTRICTED_JOIN_H
#define HOMESERVER_ROOMS_RESTRICTED_JOIN_H

#include <stdbool.h>

#include "homeserver/rooms/room_service.h"

/*
 * Restricted rooms: who may join without an invite, and which local user vouches for it.
 * Spec: client-server API "Restricted rooms"; server-server API "Restricted rooms".
 */

/* True when the user is joined to a room that the join rules' `allow` names. Rooms that this server
 * is not in can not be judged: `*undecided_out` is then true. */
enum errcode restricted_join_satisfied(struct call *call, const struct event *join_rules,
                                       int64_t user_nid, bool *satisfied_out,
                                       bool *undecided_out) MUST_CHECK;

/* A joined user of a hosted domain who may invite: the value of join_authorised_via_users_server.
 * `*out` is NULL when there is none; borrowed from the call. */
enum errcode restricted_join_authoriser(struct call *call, struct room *room,
                                        const struct room_head *head, const char **out) MUST_CHECK;

#endif
