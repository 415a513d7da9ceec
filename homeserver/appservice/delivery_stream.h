#ifndef HOMESERVER_APPSERVICE_DELIVERY_STREAM_H
#define HOMESERVER_APPSERVICE_DELIVERY_STREAM_H

#include <stdbool.h>

#include "homeserver/appservice/appservices.h"
#include "homeserver/call.h"
#include "storage/nids.h"

/*
 * The pass over the stream: what is new goes into the queues of those whom it concerns. Looked at
 * once, whoever is interested; one thread.
 */
struct delivery_stream;
struct sender_list;

struct delivery_stream *delivery_stream_create(void);
void delivery_stream_destroy(struct delivery_stream *stream);

/* Reads from the database how far the pass got. */
enum errcode delivery_stream_begin(struct delivery_stream *stream, struct call *call) MUST_CHECK;

struct delivery_news {
    const struct appservice_set *set;
    struct nid_list typing_rooms; /* in which who types changed */
};

/* Looks at what follows. `*has_more_out`: there is more than fits into one round. */
enum errcode delivery_stream_follow(struct delivery_stream *stream, struct call *call,
                                    const struct delivery_news *news, struct sender_list *senders,
                                    bool *has_more_out) MUST_CHECK;

#endif
