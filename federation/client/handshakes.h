#ifndef FEDERATION_CLIENT_HANDSHAKES_H
#define FEDERATION_CLIENT_HANDSHAKES_H

#include <jansson.h>

#include "homeserver/base/strbuf.h"
#include "homeserver/call.h"
#include "homeserver/protocol/room_version.h"

/*
 * Joining, leaving and knocking through a server that is in the room: make_* gives a template of
 * the event, send_* takes the signed event. Spec: server-server API, joins-v1.yaml, joins-v2.yaml,
 * leaving-v1.yaml, leaving-v2.yaml, knocks.yaml.
 */
struct handshake_call {
    const char *membership;  /* "join", "leave", "knock" */
    const char *origin;      /* the user's server: one of ours */
    const char *destination; /* the server in the room */
    const char *room_id;
    const char *user_id;
};

/* The template as it came: an object, nothing else is checked. `version_out` is a version that we
 * know; M_INCOMPATIBLE_ROOM_VERSION otherwise. */
enum errcode federation_make_membership(struct call *call, const struct handshake_call *handshake,
                                        const struct room_version **version_out,
                                        json_t **event_out) MUST_CHECK;

/* The answer as it came: of a leave or a knock … */
enum errcode federation_send_membership(struct call *call, const struct handshake_call *handshake,
                                        const char *event_id, const json_t *event,
                                        json_t **answer_out) MUST_CHECK;
/* … and of a join, which may have hundreds of megabytes: as text, unchecked, appended to `body`. */
enum errcode federation_send_join(struct call *call, const struct handshake_call *handshake,
                                  const char *event_id, const json_t *event,
                                  struct strbuf *body) MUST_CHECK;

#endif
