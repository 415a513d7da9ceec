/* One HTTP exchange: its memory and its birth and death. */
#include "homeserver/http/connection.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/clock.h"
#include "homeserver/http/body.h"
#include "homeserver/http/io_thread_internal.h"
#include "homeserver/http/server_internal.h"
#include "storage/journal.h"

static NORETURN void out_of_memory(void)
{
    fprintf(stderr, "<2>beffroi: out of memory for a request; stopping.\n");
    abort();
}

struct connection *connection_create(struct io_daemon *daemon, struct MHD_Connection *mhd,
                                     const char *uri)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    if (connection == NULL || (connection->target = strdup(uri)) == NULL)
        out_of_memory();
    connection->server = daemon->thread->server;
    connection->daemon = daemon;
    connection->mhd = mhd;
    connection->socket = info->socket_context;
    connection->socket->connection = connection;
    connection->content_length = -1;
    connection->started_us = clock_monotonic_us();
    connection->request.connection = connection;
    connection->request.target = connection->target;
    connection->request.host = "";
    connection->request.request_id = connection->request_id;
    connection->request.client_address = connection->client_address;
    connection->request.call.error = &connection->request.error;
    connection->request.call.services = connection->server->options.services;
    return connection;
}

void connection_destroy(struct connection *connection)
{
    struct http_server *server = connection->server;

    connection->socket->connection = NULL;
    if (connection->stream.sink != NULL)
        connection->stream.sink->close(connection->stream.context, false);
    connection_release_arena(connection);
    commit_group_release(connection->request.call.commits);
    body_free(connection);
    if (connection->response != NULL)
        MHD_destroy_response(connection->response);
    free(connection->parking.memo);
    free(connection->target);
    if (connection->is_active)
        atomic_fetch_sub(&server->active, 1);
    free(connection);
}

void connection_set_active(struct connection *connection)
{
    if (!connection->is_active)
        atomic_fetch_add(&connection->server->active, 1);
    connection->is_active = true;
}

struct arena *connection_arena(struct connection *connection)
{
    struct call *call = &connection->request.call;

    if (call->arena == NULL)
        call->arena = arena_pool_take(&connection->server->arenas);
    return call->arena;
}

void connection_release_arena(struct connection *connection)
{
    struct call *call = &connection->request.call;

    connection->query = NULL;
    connection->query_count = 0;
    connection->json = NULL;
    connection->headers = NULL;
    memset(&connection->request.requester, 0, sizeof(connection->request.requester));
    if (call->arena != NULL)
        arena_pool_give(&connection->server->arenas, call->arena);
    call->arena = NULL;
}

int64_t connection_age_us(const struct connection *connection)
{
    return clock_monotonic_us() - connection->started_us;
}
