#ifndef HOMESERVER_APPSERVICE_TRANSACTION_BODY_H
#define HOMESERVER_APPSERVICE_TRANSACTION_BODY_H

#include "homeserver/appservice/appservices.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/call.h"
#include "storage/appservices.h"

/*
 * What one transaction tells an application service.
 * Spec: application service API, "Pushing events" (transactions.yaml), "Pushing ephemeral data".
 */
struct transaction_content {
    const struct appservice *appservice;
    const struct appservice_item *items; /* of its queue, in order */
    size_t count;
};

/* Appends the JSON of the body. */
enum errcode transaction_body_write(struct call *call, const struct transaction_content *content,
                                    struct strbuf *out) MUST_CHECK;

#endif
