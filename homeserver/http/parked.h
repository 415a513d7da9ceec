#ifndef HOMESERVER_HTTP_PARKED_H
#define HOMESERVER_HTTP_PARKED_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Requests that wait for something to happen. A request is prepared first (from then on wake-ups
 * are remembered), then registered at what it waits for, then committed: so nothing that happens in
 * between is lost. A parked request belongs to this registry; it comes back through `ready`, on
 * whatever thread woke it, or on the registry's own thread at its deadline.
 */
struct parked;
struct connection;

enum parked_reason { PARKED_WOKEN, PARKED_DEADLINE };
typedef void (*parked_ready_fn)(struct connection *connection, enum parked_reason reason);

enum parked_outcome {
    PARKED_WAITING,  /* it is parked: hands off */
    PARKED_RUN_NOW,  /* it was woken meanwhile, or the server drains: the caller still owns it */
    PARKED_CANCELLED /* the client went away meanwhile: the caller still owns it */
};

/* NULL when its thread can not be started. */
struct parked *parked_create(parked_ready_fn ready);
/* Nothing may be parked any more. NULL is allowed. */
void parked_destroy(struct parked *parked);

/* The ticket for a wake handle whose context is `parked`. Never 0. */
uint64_t parked_prepare(struct parked *parked, struct connection *connection);
enum parked_outcome parked_commit(struct parked *parked, uint64_t ticket, int64_t deadline_ms);

/* For struct wake_handle. Does nothing when the ticket is not valid any more. */
void parked_wake(void *parked, uint64_t ticket);

/* True when the request was parked: now it belongs to the caller. False: someone else has it. */
bool parked_cancel(struct parked *parked, uint64_t ticket);

/* Ends all waits as if their deadlines had come, and those to come. */
void parked_drain(struct parked *parked);

#endif
