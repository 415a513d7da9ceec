#ifndef FEDERATION_RECEIVER_JOIN_IMPORT_H
#define FEDERATION_RECEIVER_JOIN_IMPORT_H

#include <jansson.h>

#include "federation/receiver/join_answer.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/call.h"
#include "homeserver/protocol/room_version.h"

/*
 * What another server answered to send_join becomes a room of ours: state, auth chain, the head,
 * and the join itself. Spec: server-server API, "Joining Rooms".
 */
struct join_import {
    const char *room_id;
    const struct room_version *version;
    const char *server_name; /* which answered */
    const char *own_domain;  /* of the user who joins */
    json_t *event; /* the join as we signed it; with the other server's signature too, where the
                      answer carries one */
    const struct join_answer *answer;
    struct strbuf *text; /* that the answer's parts lie in: let go of as soon as they are read */
};

/* Verifies, authorises, stores; the call must wait for the commit. Also for a room that is known
 * already (an invite, an earlier stay). M_FORBIDDEN, E_REMOTE when the answer does not hold. */
enum errcode join_import(struct call *call, const struct join_import *import) MUST_CHECK;

#endif
