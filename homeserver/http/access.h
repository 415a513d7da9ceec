#ifndef HOMESERVER_HTTP_ACCESS_H
#define HOMESERVER_HTTP_ACCESS_H

#include "homeserver/base/error.h"

struct request;

/* Finds out who asks, as the route's row demands, and whether such an account may. Fills
 * `req->requester`. M_MISSING_TOKEN, M_UNKNOWN_TOKEN, M_USER_LOCKED, M_USER_SUSPENDED,
 * M_GUEST_ACCESS_FORBIDDEN, M_FORBIDDEN. */
enum errcode access_check(struct request *req) MUST_CHECK;

#endif
