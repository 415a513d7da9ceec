/* The life of a request between its head and its answer. */
#include "homeserver/http/dispatch.h"

#include <stdatomic.h>
#include <string.h>

#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/metrics.h"
#include "homeserver/base/thread_pool.h"
#include "homeserver/http/access.h"
#include "homeserver/http/body.h"
#include "homeserver/http/connection.h"
#include "homeserver/http/head.h"
#include "homeserver/http/io_thread.h"
#include "homeserver/http/parking.h"
#include "homeserver/http/query.h"
#include "homeserver/http/rate_limit.h"
#include "homeserver/http/response.h"
#include "homeserver/http/server_internal.h"
#include "storage/db.h"
#include "storage/journal.h"

bool dispatch_head(struct connection *connection, const char *method)
{
    connection->close_after = atomic_load(&connection->server->draining);
    enum errcode outcome = head_read(connection, method);

    if (outcome == OK && connection->method != OPTIONS)
        return true;
    /* A preflight is answered on every path, without any work behind it. */
    if (outcome == OK)
        response_without_body(connection, 204);
    else
        response_error(connection, outcome);
    response_complete(connection);
    return false;
}

/* Everything a run allocated goes, so a connection that waits is small. */
static void end_run(struct connection *connection)
{
    connection_release_arena(connection);
    commit_group_release(connection->request.call.commits);
    connection->request.call.commits = NULL;
    connection->request.call.db = NULL;
}

static void deliver(struct connection *connection)
{
    bool is_body_left = connection->stream.was_used && !connection->body.is_complete;

    connection->phase = is_body_left ? PHASE_DISCARD : PHASE_ANSWER;
    connection->discard_left_bytes = DISCARD_MAX_BYTES;
    io_thread_hand_over(connection);
}

static void deliver_error(struct connection *connection, enum errcode code)
{
    response_error(connection, code);
    response_complete(connection);
    end_run(connection);
    deliver(connection);
}

/* On the journal's thread: only hands the connection on. */
static void on_commit(void *context, enum errcode outcome)
{
    struct connection *connection = context;

    connection->commit_outcome = outcome;
    if (outcome == OK)
        deliver(connection);
    else
        dispatch_continue(connection);
}

/* The answer is ready; it goes out when all that the call wrote is committed (I4). From here on the
 * connection may be anywhere. */
static void deliver_after_commit(struct connection *connection)
{
    struct commit_group *group = connection->request.call.commits;

    response_complete(connection);
    connection->request.call.commits = NULL;
    end_run(connection);
    commit_group_when_done(group, on_commit, connection);
    commit_group_release(group);
}

/* A handler runs again when somebody else changed what it built on. A body that was streamed away
 * can not be had again. */
static bool may_run_again(const struct connection *connection, enum errcode outcome)
{
    return (outcome == E_CONFLICT || outcome == E_OUTWARD) && connection->runs < RUNS_MAX &&
           !connection->stream.was_used;
}

static void run_again(struct connection *connection)
{
    response_drop(connection);
    end_run(connection);
    dispatch_continue(connection);
}

static void start_receiving(struct connection *connection)
{
    connection->stream.was_used = true;
    connection->body.limit = STREAM_CHUNK_BYTES;
    connection->phase = PHASE_RECEIVE;
    io_thread_hand_over(connection);
}

static void give_to_workers(struct connection *connection);

/* It was a try: as if it had not been. */
static void repeat_with_database(struct connection *connection)
{
    connection->runs--;
    response_drop(connection);
    end_run(connection);
    give_to_workers(connection);
}

static void finish_run(struct connection *connection, enum errcode outcome)
{
    struct request *req = &connection->request;
    bool wants_to_wait = connection->parking.wanted;

    connection->parking.wanted = false;
    if (db_was_missed(req->call.db)) {
        repeat_with_database(connection);
    } else if (outcome == OK && wants_to_wait) {
        end_run(connection);
        parking_begin(connection);
    } else if (outcome == OK && connection->stream.sink != NULL) {
        start_receiving(connection);
    } else if (outcome == OK && connection->response != NULL) {
        deliver_after_commit(connection);
    } else if (may_run_again(connection, outcome)) {
        connection->goes_outward |= outcome == E_OUTWARD;
        run_again(connection);
    } else {
        if (outcome == OK)
            outcome = fail(&req->error, E_SYSTEM, "The handler gave no answer.");
        deliver_error(connection, outcome);
    }
}

/* False when it is known already. */
static bool remember_user(struct connection *connection)
{
    const struct requester *requester = &connection->request.requester;
    const char *name = requester->user_id != NULL ? requester->user_id : requester->server_name;

    if (strcmp(connection->user, name == NULL ? "" : name) == 0)
        return false;
    snprintf(connection->user, sizeof(connection->user), "%s", name == NULL ? "" : name);
    return true;
}

/* Every line that is logged on behalf of this request says so. */
static void set_log_context(const struct connection *connection)
{
    log_set_context(connection->request_id, connection->user);
}

/* Steps 3 to 5. The signature of another server covers the body, so that is parsed first. */
static enum errcode prepare(struct connection *connection)
{
    struct request *req = &connection->request;
    bool is_first = !connection->was_counted;

    TRY(query_parse(connection));
    TRY(path_check(connection));
    if (req->route->access == SERVER)
        TRY(body_parse(connection));
    TRY(access_check(req));
    if (remember_user(connection))
        set_log_context(connection);
    connection->was_counted = true;
    if (is_first)
        TRY(rate_limit_check(req));
    return req->route->access == SERVER ? OK : body_parse(connection);
}

static void run_handler(struct connection *connection)
{
    struct request *req = &connection->request;

    connection->runs++;
    error_clear(&req->error);
    enum errcode outcome = prepare(connection);
    if (outcome == OK)
        outcome = req->route->handler(req);
    finish_run(connection, outcome);
}

static void close_stream(struct connection *connection, bool is_complete)
{
    const struct body_sink *sink = connection->stream.sink;

    connection->stream.sink = NULL;
    sink->close(connection->stream.context, is_complete);
}

static void run_stream(struct connection *connection)
{
    struct body_stream *stream = &connection->stream;
    struct body_buffer *body = &connection->body;
    enum errcode outcome = OK;

    if (body->size > 0)
        outcome =
            stream->sink->chunk(&connection->request, stream->context, body->bytes, body->size);
    stream->received_bytes += (int64_t)body->size;
    body->size = 0;
    if (outcome == OK && !body->is_complete) {
        connection->phase = PHASE_BODY;
        io_thread_hand_over(connection);
        return;
    }
    if (outcome == OK)
        outcome = stream->sink->finish(&connection->request, stream->context);
    close_stream(connection, outcome == OK);
    finish_run(connection, outcome);
}

static void after_commit_failure(struct connection *connection)
{
    enum errcode outcome = connection->commit_outcome;

    connection->commit_outcome = OK;
    response_drop(connection);
    if (may_run_again(connection, outcome))
        run_handler(connection);
    else
        deliver_error(connection, outcome);
}

/* Whether it runs where waiting for other servers holds up nobody else. */
static bool may_wait(const struct connection *connection)
{
    const struct route *route = connection->match.route;

    return connection->goes_outward || route->access == SERVER || (route->flags & CALLS_OUT) != 0;
}

static void run(void *thread_state, void *argument)
{
    struct worker *worker = thread_state;
    struct connection *connection = argument;
    struct call *call = &connection->request.call;

    metric_observe_us(worker->server->metrics.queue,
                      clock_monotonic_us() - connection->submitted_us);
    set_log_context(connection);
    call->db = worker->db;
    call->must_not_wait = !may_wait(connection);
    connection_arena(connection);
    if (call->commits == NULL)
        call->commits = commit_group_create();
    if (connection->commit_outcome != OK)
        after_commit_failure(connection);
    else if (connection->stream.sink != NULL)
        run_stream(connection);
    else
        run_handler(connection);
    log_set_context(NULL, NULL);
}

void dispatch_run_quick(struct connection *connection, struct worker *worker)
{
    connection->phase = PHASE_RUNNING;
    run(worker, connection);
}

static struct thread_pool *pool_of(const struct connection *connection)
{
    return may_wait(connection) ? connection->server->outward_workers : connection->server->workers;
}

/* What was parked was admitted before. */
static void give_to_workers(struct connection *connection)
{
    struct thread_pool *pool = pool_of(connection);

    if (req_was_parked(&connection->request)) {
        thread_pool_continue(pool, run, connection);
    } else if (!thread_pool_submit(pool, run, connection)) {
        response_error(connection, E_UNAVAILABLE);
        response_complete(connection);
        deliver(connection);
    }
}

static bool give_to_io_thread(struct connection *connection)
{
    if ((connection->match.route->flags & QUICK) == 0 || may_wait(connection))
        return false;
    connection->phase = PHASE_QUICK;
    io_thread_hand_over(connection);
    return true;
}

void dispatch_submit(struct connection *connection)
{
    connection->submitted_us = clock_monotonic_us();
    if (!give_to_io_thread(connection))
        give_to_workers(connection);
}

void dispatch_continue(struct connection *connection)
{
    connection->submitted_us = clock_monotonic_us();
    if (!give_to_io_thread(connection))
        thread_pool_continue(pool_of(connection), run, connection);
}

enum errcode req_receive_body(struct request *req, int64_t limit_bytes,
                              const struct body_sink *sink, void *context)
{
    struct connection *connection = req->connection;

    if (connection->content_length > limit_bytes) {
        sink->close(context, false);
        return fail(&req->error, M_TOO_LARGE, "The body is larger than %lld bytes.",
                    (long long)limit_bytes);
    }
    connection->stream.sink = sink;
    connection->stream.context = context;
    connection->stream.limit_bytes = limit_bytes;
    return OK;
}
