#ifndef HOMESERVER_CLIENT_API_ROOM_MEMBERSHIP_H
#define HOMESERVER_CLIENT_API_ROOM_MEMBERSHIP_H

#include "homeserver/http/request.h"

/*
 * What the membership endpoints share: who is meant, why, and the change itself.
 */

/* A room, and servers that may be in it when we are not. */
struct room_target {
    const char *room_id;
    const char *const *servers;
    size_t server_count;
};

/* The room that a {roomIdOrAlias} names, with the servers of the query or of the alias' server.
 * M_NOT_FOUND for an alias that nobody has. */
enum errcode room_target_by_id_or_alias(struct request *req, struct room_target *out) MUST_CHECK;

/* Changes the requester's own membership of a room, through another server when nobody of ours is
 * in it; `reason` comes from the body. */
enum errcode change_own_membership(struct request *req, const struct room_target *target,
                                   const char *membership) MUST_CHECK;

/* An invite, of a user of this server or of another. */
struct membership_change;
enum errcode invite_user(struct request *req, const char *room_id,
                         const struct membership_change *change) MUST_CHECK;

/* Changes that of the body's `user_id` in the path's room, and answers {}. */
enum errcode change_membership_of_user(struct request *req, const char *membership) MUST_CHECK;

#endif
