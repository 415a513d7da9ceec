#ifndef FEDERATION_RECEIVER_OUTLIERS_H
#define FEDERATION_RECEIVER_OUTLIERS_H

#include <jansson.h>
#include <stddef.h>

#include "homeserver/protocol/pdu.h"
#include "homeserver/rooms/room_service.h"

/*
 * Events that are wanted as auth events or as parts of a state, without their place in the graph.
 */
struct outlier_request {
    struct room *room;
    const char *server_name;      /* whom to ask */
    const char *const *event_ids; /* which are missing */
    size_t count;
    const char *for_event_id; /* the event that needs them */
};

/* Fetches and stores missing auth events, with their own. What can not be had stays missing. */
enum errcode outliers_fetch_auth(struct call *call,
                                 const struct outlier_request *request) MUST_CHECK;

/* Fetches the state before `for_event_id`; `*ids_out` are its events, stored as far as they hold.
 * NULL when the server does not tell. */
enum errcode outliers_fetch_state(struct call *call, const struct outlier_request *request,
                                  const char *const **ids_out, size_t *count_out) MUST_CHECK;

/* Fetches those of `event_ids` that are not here, each by itself. */
enum errcode outliers_fetch(struct call *call, const struct outlier_request *request) MUST_CHECK;

/* Stores these as outliers, each after those that it refers to. NULLs are passed over. */
enum errcode outliers_store(struct call *call, struct room *room, const struct pdu_signed **pdus,
                            size_t count) MUST_CHECK;

#endif
