#ifndef HOMESERVER_NET_IP_FILTER_H
#define HOMESERVER_NET_IP_FILTER_H

#include <stdbool.h>

/*
 * Which addresses belong to the public internet. Names that strangers choose must not make this
 * server call into its own network (SSRF): the check is made on the address that is connected to,
 * so a name that resolves differently the second time gains nothing.
 */
struct sockaddr;

/* False for everything in the special-purpose registries of IANA (RFC 6890 and its successors),
 * multicast, and IPv6 forms that carry such an IPv4 address; also for families other than IP. */
bool ip_address_is_public(const struct sockaddr *address);

/* The same for an address as text, without brackets or port; false when it is none. */
bool ip_text_is_public(const char *text);

#endif
