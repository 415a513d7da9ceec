#ifndef HOMESERVER_HTTP_LISTENER_H
#define HOMESERVER_HTTP_LISTENER_H

#include <stdint.h>
#include <sys/socket.h>

#include "homeserver/base/error.h"

struct config_listener;
struct tls_identity;

/* One entry of `listeners`. Each I/O thread has a socket of its own on the address, so the kernel
 * spreads the connections (SO_REUSEPORT). */
struct listener {
    const char *text; /* the address as configured; borrowed from the configuration */
    struct sockaddr_storage address;
    socklen_t address_length;
    unsigned apis;            /* enum listener_api */
    struct tls_identity *tls; /* NULL: plain HTTP */
};

/* Resolves the address, loads the certificate and makes sure nobody else listens there. Port 0
 * becomes a free port. `error` says what is wrong. */
enum errcode listener_create(const struct config_listener *config, struct error *error,
                             struct listener **out) MUST_CHECK;
void listener_destroy(struct listener *listener);

/* A new non-blocking listening socket. */
enum errcode listener_open_socket(const struct listener *listener, struct error *error,
                                  int *fd_out) MUST_CHECK;

uint16_t listener_port(const struct listener *listener);

#endif
