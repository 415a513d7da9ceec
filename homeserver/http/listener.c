/* Listening sockets. */
#include "homeserver/http/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "homeserver/http/tls_identity.h"

enum { BACKLOG = 1024, HOST_BYTES = 256 };

static enum errcode resolve(struct listener *listener, const char *host, const char *port,
                            struct error *error)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found;
    int problem = getaddrinfo(host, port, &hints, &found);

    if (problem != 0)
        return fail(error, E_SYSTEM, "The listener address %s can not be used: %s.", listener->text,
                    gai_strerror(problem));
    memcpy(&listener->address, found->ai_addr, found->ai_addrlen);
    listener->address_length = found->ai_addrlen;
    freeaddrinfo(found);
    return OK;
}

/* "127.0.0.1:8008", "[::]:8448", "localhost:8008", "*:8008" (every address). */
static enum errcode parse_address(struct listener *listener, struct error *error)
{
    char host[HOST_BYTES];
    const char *colon = strrchr(listener->text, ':');
    const char *start = listener->text;
    size_t length = colon == NULL ? 0 : (size_t)(colon - start);

    if (length >= 2 && start[0] == '[' && start[length - 1] == ']') {
        start++;
        length -= 2;
    }
    if (length == 0 || length >= sizeof(host))
        return fail(error, E_SYSTEM, "The listener address %s needs the form host:port.",
                    listener->text);
    memcpy(host, start, length);
    host[length] = '\0';
    return resolve(listener, strcmp(host, "*") == 0 ? "::" : host, colon + 1, error);
}

static enum errcode bind_socket(const struct listener *listener, bool shared, struct error *error,
                                int *fd_out)
{
    const int on = 1, off = 0;
    int fd = socket(listener->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return fail(error, E_SYSTEM, "No socket for %s: %s.", listener->text,
                    strerrordesc_np(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (shared)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (listener->address.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, (const struct sockaddr *)&listener->address, listener->address_length) != 0 ||
        listen(fd, BACKLOG) != 0) {
        int problem = errno;
        close(fd);
        return fail(error, E_SYSTEM, "Can not listen on %s: %s.", listener->text,
                    strerrordesc_np(problem));
    }
    *fd_out = fd;
    return OK;
}

/* SO_REUSEPORT would let a second server slip in beside us unnoticed, so ask without it first.
 * This also turns port 0 into a port. */
static enum errcode claim_address(struct listener *listener, struct error *error)
{
    socklen_t length = sizeof(listener->address);
    int fd;

    TRY(bind_socket(listener, false, error, &fd));
    int problem = getsockname(fd, (struct sockaddr *)&listener->address, &length);
    close(fd);
    if (problem != 0)
        return fail(error, E_SYSTEM, "Can not listen on %s.", listener->text);
    return OK;
}

static enum errcode set_up(struct listener *listener, const struct config_listener *config,
                           struct error *error)
{
    TRY(parse_address(listener, error));
    TRY(claim_address(listener, error));
    if (config->tls_certificate == NULL)
        return OK;
    return tls_identity_create(config, error, &listener->tls);
}

enum errcode listener_create(const struct config_listener *config, struct error *error,
                             struct listener **out)
{
    struct listener *listener = calloc(1, sizeof(*listener));

    if (listener == NULL)
        return E_SYSTEM;
    listener->text = config->address;
    listener->apis = config->apis;
    enum errcode outcome = set_up(listener, config, error);
    if (outcome != OK)
        listener_destroy(listener);
    else
        *out = listener;
    return outcome;
}

void listener_destroy(struct listener *listener)
{
    if (listener == NULL)
        return;
    tls_identity_destroy(listener->tls);
    free(listener);
}

enum errcode listener_open_socket(const struct listener *listener, struct error *error, int *fd_out)
{
    return bind_socket(listener, true, error, fd_out);
}

uint16_t listener_port(const struct listener *listener)
{
    struct sockaddr_in6 in6;
    struct sockaddr_in in;

    if (listener->address.ss_family == AF_INET6) {
        memcpy(&in6, &listener->address, sizeof(in6));
        return ntohs(in6.sin6_port);
    }
    memcpy(&in, &listener->address, sizeof(in));
    return ntohs(in.sin_port);
}
