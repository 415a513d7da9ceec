#ifndef HOMESERVER_CLIENT_API_FILTER_H
#define HOMESERVER_CLIENT_API_FILTER_H

#include "homeserver/protocol/filter.h"

struct request;

/* The query parameter `filter` of /sync: a filter's ID, or a filter as JSON when it starts with
 * `{`; absent, a filter that lets everything pass. M_NOT_FOUND, M_INVALID_PARAM, M_NOT_JSON,
 * M_TOO_LARGE. */
enum errcode query_filter(struct request *req, const struct filter **out) MUST_CHECK;

/* The query parameter `filter` of /messages and /context: a RoomEventFilter as JSON. */
enum errcode query_event_filter(struct request *req, const struct event_filter **out) MUST_CHECK;

#endif
