#ifndef HOMESERVER_PROTOCOL_POLICY_SERVER_H
#define HOMESERVER_PROTOCOL_POLICY_SERVER_H

#include <stdbool.h>

#include "homeserver/protocol/ed25519.h"

struct event;

/* Spec: server-server API, "Policy Servers". */
struct policy_server {
    const char *server_name; /* borrowed from the event */
    struct ed25519_public_key key;
    bool key_is_usable; /* false: nothing the server signs can be verified */
};

/*
 * Reads the m.room.policy event of the current state (NULL: there is none). True when it names a
 * policy server; the room uses it only when that server also has a joined user in the room, which
 * the caller knows.
 */
bool policy_server_of(const struct event *policy, struct policy_server *out);

/* All events need the signature but for m.room.policy with an empty state key: otherwise no room
 * could leave its policy server. */
bool policy_server_must_sign(const struct event *event);

/* Whether the event bears the policy server's valid signature. Without it, an event received is
 * soft-failed, and one of our own is not sent. */
bool policy_server_has_signed(const struct policy_server *policy_server, const struct event *event);

#endif
