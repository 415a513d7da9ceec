#ifndef HOMESERVER_HTTP_QUERY_H
#define HOMESERVER_HTTP_QUERY_H

#include "homeserver/base/error.h"

struct connection;

/* Decodes the query string onto the arena, for the query_* readers of request.h. M_INVALID_PARAM on
 * a broken escape, U+0000 or bytes that are not UTF-8. */
enum errcode query_parse(struct connection *connection) MUST_CHECK;

/* M_INVALID_PARAM when a path parameter can not be decoded, so that no handler meets one. */
enum errcode path_check(struct connection *connection) MUST_CHECK;

#endif
