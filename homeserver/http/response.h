#ifndef HOMESERVER_HTTP_RESPONSE_H
#define HOMESERVER_HTTP_RESPONSE_H

#include "homeserver/base/error.h"

struct connection;

/* What every response carries (CORS, request ID) is added here; the answer is then complete and
 * needs nothing of the arena any more. */
void response_complete(struct connection *connection);

/* Replaces whatever was answered by the Matrix form of this error. Internal errors are logged here,
 * once, and told as "the server failed": their text is for the administrator. */
void response_error(struct connection *connection, enum errcode code);

/* An answer without a body, such as 204. */
void response_without_body(struct connection *connection, int status);

void response_drop(struct connection *connection);

#endif
