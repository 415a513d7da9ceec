#ifndef HOMESERVER_HTTP_PARKING_H
#define HOMESERVER_HTTP_PARKING_H

#include "homeserver/http/parked.h"

struct connection;

/* The waiting of one request, between its handler and the registry of parked.h. */

/* The handler's wish, kept in `connection->parking`, is carried out. From here on the connection
 * may be anywhere. */
void parking_begin(struct connection *connection);

/* For parked_create(). */
void parking_end(struct connection *connection, enum parked_reason reason);

/* On the I/O thread: the client hung up. */
void parking_hung_up(struct connection *connection);

#endif
