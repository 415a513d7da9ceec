#ifndef FEDERATION_RECEIVER_JOIN_ANSWER_H
#define FEDERATION_RECEIVER_JOIN_ANSWER_H

#include <jansson.h>
#include <stdbool.h>

#include "homeserver/base/error.h"
#include "homeserver/protocol/json_scan.h"

struct arena;

/*
 * The answer to send_join v2, cut into its parts: it may have hundreds of megabytes, and a tree of
 * it has ten times as many. Parts that are lists stay text. Spec: server-server API, joins-v2.yaml.
 */
struct join_answer {
    json_t *event;               /* on the arena; NULL: the server says nothing of it */
    struct json_span state;      /* of events, brackets included */
    struct json_span auth_chain; /* likewise */
    struct json_span servers;    /* servers_in_room; may be empty */
    bool members_omitted;
};

/* E_REMOTE when it is no JSON object, has a part twice or lacks one of the lists of events. */
enum errcode join_answer_read(struct arena *arena, const char *server_name, struct json_span text,
                              struct error *error, struct join_answer *out) MUST_CHECK;

#endif
