#ifndef HOMESERVER_HTTP_HEAD_H
#define HOMESERVER_HTTP_HEAD_H

#include "homeserver/base/error.h"

struct connection;

/* Reads the head into the connection: request ID, addresses, lengths, method, route. An error when
 * the request must be refused before its body is read; `connection->close_after` is then set when
 * the connection can not be trusted any more. */
enum errcode head_read(struct connection *connection, const char *method) MUST_CHECK;

#endif
