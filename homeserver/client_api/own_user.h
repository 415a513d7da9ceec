#ifndef HOMESERVER_CLIENT_API_OWN_USER_H
#define HOMESERVER_CLIENT_API_OWN_USER_H

#include "homeserver/base/error.h"

struct request;

/* M_FORBIDDEN, with this text, unless the path's {userId} is who asks. */
enum errcode path_own_user(struct request *req, const char *text) MUST_CHECK;

/* The requester did something that shows presence: sent a message, typed, read. */
enum errcode note_activity(struct request *req) MUST_CHECK;

#endif
