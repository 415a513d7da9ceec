#ifndef HOMESERVER_ROOMS_EVENT_DRAFT_H
#define HOMESERVER_ROOMS_EVENT_DRAFT_H

#include <jansson.h>
#include <stdint.h>

#include "storage/client_transactions.h"

/* What a local user wants to send; everything else of the event follows from the room. */
struct event_draft {
    const char *type;
    const char *sender;
    int64_t sender_nid;
    const char *state_key;    /* NULL: not a state event */
    json_t *content;          /* borrowed; an object */
    const char *redacts;      /* for m.room.redaction: the target's event ID */
    int64_t origin_server_ts; /* 0: now. Application services may name another time. */
    const struct client_transaction *transaction; /* NULL: none */
    /* State with this content is there already: answer with the event that set it. */
    bool reuse_identical_state;
    bool is_remote; /* somebody else's server made the event */
    bool is_sent;   /* the server that it came through tells the others */
    /* For an invite or a knock: what its target is shown of the room (JSON array text), or NULL. */
    const char *stripped_state;
};

#endif
