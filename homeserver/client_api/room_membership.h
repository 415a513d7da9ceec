#ifndef HOMESERVER_CLIENT_API_ROOM_MEMBERSHIP_H
#define HOMESERVER_CLIENT_API_ROOM_MEMBERSHIP_H

#include "homeserver/http/request.h"

/*
 * What the membership endpoints share: who is meant, why, and the change itself.
 */

/* The room that a {roomIdOrAlias} names. M_NOT_FOUND for an alias that nobody has. */
enum errcode room_by_id_or_alias(struct request *req, const char **room_id_out) MUST_CHECK;

/* Changes the requester's own membership of a room; `reason` comes from the body. */
enum errcode change_own_membership(struct request *req, const char *room_id,
                                   const char *membership) MUST_CHECK;

/* Changes that of the body's `user_id` in the path's room, and answers {}. */
enum errcode change_membership_of_user(struct request *req, const char *membership) MUST_CHECK;

#endif
