#ifndef HOMESERVER_CLIENT_API_RTC_TRANSPORTS_H
#define HOMESERVER_CLIENT_API_RTC_TRANSPORTS_H

#include <jansson.h>

struct request;

/* The list of MSC4143; empty when no service is configured. A new reference. */
json_t *rtc_transports(struct request *req);

#endif
