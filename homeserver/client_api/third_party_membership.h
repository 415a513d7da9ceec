#ifndef HOMESERVER_CLIENT_API_THIRD_PARTY_MEMBERSHIP_H
#define HOMESERVER_CLIENT_API_THIRD_PARTY_MEMBERSHIP_H

#include <jansson.h>

#include "homeserver/base/error.h"

struct request;

/* Checks an invite to an address: `id_server` (that we trust), `id_access_token`, `medium`,
 * `address`. */
enum errcode check_invite_by_address(struct request *req, const json_t *invite) MUST_CHECK;

/* Invites whoever has the address, or leaves the invite with the identity server. */
enum errcode invite_by_address(struct request *req, const char *room_id,
                               const json_t *invite) MUST_CHECK;

#endif
