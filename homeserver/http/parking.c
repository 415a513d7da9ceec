/* Parking one request: register at the source, watch the socket, come back. */
#include "homeserver/http/parking.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "homeserver/base/clock.h"
#include "homeserver/base/metrics.h"
#include "homeserver/http/connection.h"
#include "homeserver/http/dispatch.h"
#include "homeserver/http/io_thread.h"
#include "homeserver/http/server_internal.h"

enum { BRIEFLY_MS = 250 };

static struct wake_handle handle_of(struct connection *connection)
{
    return (struct wake_handle){.wake = parked_wake,
                                .context = connection->server->parked,
                                .ticket = atomic_load(&connection->parking.ticket)};
}

static bool register_at_source(struct connection *connection)
{
    const struct wake_source *source = connection->parking.source;

    return source == NULL || source->wait(source->context, connection->parking.key,
                                          connection->parking.seen, handle_of(connection));
}

static void forget_at_source(struct connection *connection)
{
    const struct wake_source *source = connection->parking.source;

    if (source != NULL)
        source->forget(source->context, connection->parking.key, handle_of(connection));
}

static void abandon(struct connection *connection)
{
    forget_at_source(connection);
    connection->phase = PHASE_ABANDONED;
    io_thread_hand_over(connection);
}

void parking_begin(struct connection *connection)
{
    struct metric_gauge *gauge = connection->server->metrics.parked;
    struct parked *parked = connection->server->parked;
    int64_t deadline_ms = connection->parking.deadline_ms;

    uint64_t ticket = parked_prepare(parked, connection);
    atomic_store(&connection->parking.ticket, ticket);
    if (io_thread_watch(connection))
        parked_cancel(parked, ticket);
    if (!register_at_source(connection))
        parked_wake(parked, ticket);

    metric_change(gauge, 1);
    switch (parked_commit(parked, ticket, deadline_ms)) {
    case PARKED_WAITING:
        break;
    case PARKED_RUN_NOW:
        metric_change(gauge, -1);
        forget_at_source(connection);
        connection->parking.woken_by_deadline = atomic_load(&connection->server->draining);
        dispatch_continue(connection);
        break;
    case PARKED_CANCELLED:
        metric_change(gauge, -1);
        abandon(connection);
        break;
    }
}

void parking_end(struct connection *connection, enum parked_reason reason)
{
    metric_change(connection->server->metrics.parked, -1);
    connection->parking.woken_by_deadline = reason == PARKED_DEADLINE;
    if (reason == PARKED_DEADLINE)
        forget_at_source(connection);
    dispatch_continue(connection);
}

void parking_hung_up(struct connection *connection)
{
    if (!parked_cancel(connection->server->parked, atomic_load(&connection->parking.ticket)))
        return;
    metric_change(connection->server->metrics.parked, -1);
    abandon(connection);
}

enum errcode req_park(struct request *req, const struct wake_source *source, int64_t key,
                      uint64_t seen, int64_t deadline_ms)
{
    struct parking *parking = &req->connection->parking;

    if ((req->route->flags & PARKS) == 0 || parking->woken_by_deadline)
        return fail(&req->error, E_SYSTEM, "The handler wants to wait where it must answer.");
    parking->wanted = true;
    parking->source = source;
    parking->key = key;
    parking->seen = seen;
    parking->deadline_ms = deadline_ms;
    /* Waiting is not a failed attempt. */
    req->connection->runs = 0;
    return OK;
}

bool req_park_briefly(struct request *req, int64_t timeout_ms)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t deadline_ms = req_started_ms(req) + timeout_ms;
    int64_t again_ms = now_ms + BRIEFLY_MS;

    if (now_ms >= deadline_ms || atomic_load(&req->connection->server->draining))
        return false;
    /* The moment is over, but not the time: the handler need not answer yet. */
    req->connection->parking.woken_by_deadline = false;
    return req_park(req, NULL, 0, 0, again_ms < deadline_ms ? again_ms : deadline_ms) == OK;
}

bool req_woken_by_deadline(const struct request *req)
{
    return req->connection->parking.woken_by_deadline;
}

bool req_was_parked(const struct request *req)
{
    return atomic_load(&req->connection->parking.ticket) != 0;
}

void req_set_memo(struct request *req, void *memo_owned)
{
    struct parking *parking = &req->connection->parking;

    if (parking->memo != memo_owned)
        free(parking->memo);
    parking->memo = memo_owned;
}

void *req_memo(const struct request *req)
{
    return req->connection->parking.memo;
}
