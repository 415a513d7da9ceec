#ifndef HOMESERVER_CLIENT_API_MASSAGED_TIME_H
#define HOMESERVER_CLIENT_API_MASSAGED_TIME_H

#include <stdint.h>

#include "homeserver/base/error.h"

struct request;

/* The query parameter `ts` of an application service, ms since 1970; 0 when there is none or
 * somebody else asks. M_INVALID_PARAM when it can be no origin_server_ts.
 * Spec: application service API, "Timestamp massaging". */
enum errcode massaged_time(struct request *req, int64_t *out) MUST_CHECK;

#endif
