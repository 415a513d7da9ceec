#ifndef HOMESERVER_SYNC_SLIDING_H
#define HOMESERVER_SYNC_SLIDING_H

#include "homeserver/accounts/requester.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/call.h"
#include "homeserver/protocol/sliding_request.h"

/*
 * Simplified sliding sync (MSC4186): what happened in the rooms that a client is looking at. It
 * writes what /sync writes, of fewer rooms; what the client was told of each room is remembered in
 * the database, so a restart goes unnoticed.
 */
enum { SLIDING_CONNECTION_IDLE_MS = 7 * 24 * 60 * 60 * 1000 };

struct sliding_question {
    const struct requester *requester;
    const struct sliding_request *request;
    const char *pos; /* NULL: a new connection */
    bool may_wait;   /* the client would rather wait than get an empty answer */
};

struct sliding_result {
    bool waits;        /* there is nothing to tell; nothing was written */
    uint64_t sequence; /* of the notifier, for req_park() */
};

/* Appends the JSON body of the answer to `out`. M_UNKNOWN_POS when the connection is not known any
 * more, M_FORBIDDEN for an application service without a device. */
enum errcode sliding_build(struct call *call, const struct sliding_question *question,
                           struct strbuf *out, struct sliding_result *result) MUST_CHECK;

#endif
