#ifndef HOMESERVER_SYNC_SYNC_H
#define HOMESERVER_SYNC_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/accounts/requester.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/call.h"
#include "homeserver/protocol/filter.h"
#include "homeserver/protocol/sync_token.h"

/*
 * /sync: everything that happened for a user after a position, up to the newest committed one.
 * Spec: client-server API, "Syncing".
 */
enum state_form {
    STATE_AT_START,       /* `state`: between since and the start of the timeline */
    STATE_AFTER,          /* `state_after`: between since and the end of the timeline */
    STATE_AFTER_UNSTABLE, /* the same under the name of MSC4222 */
};

struct sync_request {
    const struct requester *requester;
    const struct sync_token *since; /* NULL: an initial sync */
    const struct filter *filter;
    bool full_state;
    bool only_news; /* an answer that would be empty need not be written */
    enum state_form state_form;
};

struct sync_result {
    bool is_empty;     /* nothing to tell: a client that waits may wait on */
    uint64_t sequence; /* of the notifier, for req_park() */
};

/* Appends the JSON body of the answer to `out`. */
enum errcode sync_build(struct call *call, const struct sync_request *request, struct strbuf *out,
                        struct sync_result *result) MUST_CHECK;

#endif
