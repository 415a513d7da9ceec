#ifndef HOMESERVER_HTTP_INTAKE_H
#define HOMESERVER_HTTP_INTAKE_H

struct connection;
struct io_daemon;
struct MHD_Daemon;

/* Starts MHD on a listening socket, which it takes. NULL on failure. */
struct MHD_Daemon *intake_start_daemon(struct io_daemon *daemon, int listen_fd);

/* On the I/O thread, just before MHD goes on with a connection. */
void intake_resumed(struct connection *connection);

#endif
