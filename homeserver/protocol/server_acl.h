#ifndef HOMESERVER_PROTOCOL_SERVER_ACL_H
#define HOMESERVER_PROTOCOL_SERVER_ACL_H

#include <stdbool.h>

struct event;

/*
 * Whether a server may take part in a room. `acl` is the room's current m.room.server_acl event;
 * NULL when it has none: then all may. A text that is no server name is refused by any ACL.
 *
 * Asked for the requesting server of the room's federation endpoints, and for the origin of each
 * PDU and each typing or receipt EDU. Our own traffic to a refused server is not cut.
 *
 * Spec: client-server API "m.room.server_acl", server-server API "Server Access Control Lists".
 */
bool server_acl_allows(const struct event *acl, const char *server_name);

#endif
