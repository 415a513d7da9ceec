#ifndef HOMESERVER_PROTOCOL_SERVER_NAME_H
#define HOMESERVER_PROTOCOL_SERVER_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Server names (appendix "Server Name"): host, or host and port. Compared case-sensitively. */
enum server_host_kind { SERVER_HOST_DNS, SERVER_HOST_IPV4, SERVER_HOST_IPV6 };

enum { SERVER_NAME_BYTES_MAX = 255, SERVER_NAME_NO_PORT = -1 };

struct server_name {
    enum server_host_kind kind;
    const char *host; /* within the parsed text, without the brackets of an IPv6 literal */
    size_t host_length;
    int port; /* SERVER_NAME_NO_PORT when there is none */
};

/* False when the text (may be NULL) is not a server name. */
bool server_name_parse(const char *text, struct server_name *out);
bool server_name_is_valid(const char *text);

#endif
