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
    struct nid_list typing_rooms;
};

/* The positions of one kind of items. */
struct nid_list transaction_positions(struct call *call, const struct transaction_content *content,
                                      enum appservice_item_kind kind);

struct nid_list transaction_event_nids(struct call *call,
                                       const struct transaction_content *content);

/* transaction_ephemeral.c: appends receipts, presence and typing to a list. */
enum errcode transaction_write_ephemeral(struct call *call,
                                         const struct transaction_content *content,
                                         struct strbuf *out) MUST_CHECK;

/* transaction_encryption.c: appends members, each with a comma before it (MSC3202). */
enum errcode transaction_write_encryption(struct call *call,
                                          const struct transaction_content *content,
                                          struct strbuf *out) MUST_CHECK;

/* Appends the JSON of the body. */
enum errcode transaction_body_write(struct call *call, const struct transaction_content *content,
                                    struct strbuf *out) MUST_CHECK;

#endif
