#ifndef HOMESERVER_HTTP_DISPATCH_H
#define HOMESERVER_HTTP_DISPATCH_H

#include <stdbool.h>

/*
 * The steps of a request: 1 match the route, 2 CORS, 3 authenticate, 4 rate limit, 5 parse the
 * body, 6 handler, 7 error to Matrix JSON, 8 one log line and metrics. Steps 1 and 2 happen on the
 * I/O thread when the head is there, so refused requests cost no worker; 8 when the answer is out.
 */
struct connection;

/* On the I/O thread: looks at the head. False when the answer is already made. */
bool dispatch_head(struct connection *connection, const char *method);

/* Gives a suspended connection to the workers, QUICK ones to the I/O thread; answers 503 when the
 * workers are too far behind. */
void dispatch_submit(struct connection *connection);

/* The same for a connection that was admitted before and goes on. */
void dispatch_continue(struct connection *connection);

/* On the I/O thread: runs the handler of a connection in PHASE_QUICK, which is then answered,
 * parked, or with the workers. `worker` has an absent database. */
struct worker;
void dispatch_run_quick(struct connection *connection, struct worker *worker);

#endif
