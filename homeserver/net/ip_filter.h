#ifndef HOMESERVER_NET_IP_FILTER_H
#define HOMESERVER_NET_IP_FILTER_H

#include <stdbool.h>

/*
 * Which addresses belong to the public internet. Names that strangers choose must not make this
 * server call into its own network (SSRF): the check is made on the address that is connected to,
 * so a name that resolves differently the second time gains nothing.
 */

/* For an address as text, without brackets or port. False for everything in the special-purpose
 * registries of IANA (RFC 6890 and its successors), multicast, and IPv6 forms that carry such an
 * IPv4 address; also for what is no address. */
bool ip_text_is_public(const char *text);

/* True when the address, as text, is in the network "10.0.0.0/8", or is the address "10.0.0.1". An
 * IPv4 address in IPv6 form is in no IPv4 network. */
bool ip_text_is_in(const char *text, const char *network);

#endif
