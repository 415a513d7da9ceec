#ifndef HOMESERVER_CLIENT_API_DELAYED_EVENT_H
#define HOMESERVER_CLIENT_API_DELAYED_EVENT_H

#include <stdbool.h>

#include "homeserver/base/error.h"

struct request;

/* True when the request asks to send its event later (MSC4140). */
bool is_delayed(struct request *req);

/* Schedules the event of a /send or /state request and answers. `txn_id` is NULL for state. */
struct delayed_request {
    const char *room_id;
    const char *type;
    const char *state_key; /* NULL: not a state event */
    const char *txn_id;
};
enum errcode respond_delayed(struct request *req, const struct delayed_request *delayed);

#endif
