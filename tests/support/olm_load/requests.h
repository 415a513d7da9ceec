#ifndef TESTS_SUPPORT_OLM_LOAD_REQUESTS_H
#define TESTS_SUPPORT_OLM_LOAD_REQUESTS_H

#include <jansson.h>
#include <stdatomic.h>

/* What happened to requests, over all threads. */
struct request_counts {
    atomic_long sent;
    atomic_long repeated; /* the server was away, or asked to try again */
    atomic_long aborted;  /* syncs that were given up half-way */
};
extern struct request_counts request_counts;

/* One user's connection. */
struct connection {
    void *curl;
    const char *base_url;
    const char *token;
};

void connection_open(struct connection *connection, const char *base_url, const char *token);
void connection_close(struct connection *connection);

/* Repeats the request until it is answered with 200 and returns the answer, the caller's. Ends the
 * program when it is refused, or not answered for three minutes. `body` NULL: a GET. */
json_t *request_until_answered(const struct connection *connection, const char *method,
                               const char *path, const json_t *body);

/* Begins a GET and hangs up after `patience_ms`, whatever came by then. */
void request_abort(const struct connection *connection, const char *path, long patience_ms);

#endif
