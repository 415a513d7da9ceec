#ifndef HOMESERVER_HTTP_CLIENT_IP_H
#define HOMESERVER_HTTP_CLIENT_IP_H

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

/* The address as text; IPv4 in IPv6 (::ffff:192.0.2.1) as IPv4. "" for other families. */
void client_ip_format(const struct sockaddr *address, char out[INET6_ADDRSTRLEN]);

/*
 * The client's address behind trusted proxies. `peer` is who connected to us; `forwarded` is the
 * X-Forwarded-For header or NULL. The header is read from its right end and believed as long as it
 * was written by a trusted proxy: the first address that is none is the client. `trusted` holds
 * addresses or networks ("10.0.0.0/8", "::1").
 */
void client_ip_resolve(const char *peer, const char *forwarded, const char *const *trusted,
                       size_t trusted_count, char out[INET6_ADDRSTRLEN]);

/* What rate limits count by: an IPv4 address, or the /64 network of an IPv6 one, because that is
 * what one customer gets. */
void client_ip_network(const char *address, char out[INET6_ADDRSTRLEN]);

#endif
