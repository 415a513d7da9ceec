#ifndef HOMESERVER_HTTP_RATE_LIMIT_H
#define HOMESERVER_HTTP_RATE_LIMIT_H

#include "homeserver/base/error.h"

struct request;

/* Counts the request against the `limit` of its row. M_LIMIT_EXCEEDED with retry_after_ms.
 * Application services are not limited. */
enum errcode rate_limit_check(struct request *req) MUST_CHECK;

#endif
