#ifndef HOMESERVER_ROOMS_RECEIPTS_H
#define HOMESERVER_ROOMS_RECEIPTS_H

#include <jansson.h>

#include "homeserver/accounts/requester.h"
#include "homeserver/rooms/room_service.h"
#include "storage/receipts.h"

/*
 * Read receipts and read markers of local users. Spec: client-server API, "Receipts" and "Read and
 * unread markers".
 */

/* The room, when the user is joined to it; M_FORBIDDEN otherwise, also when there is no such room,
 * so that nobody learns which rooms exist. */
enum errcode room_open_as_member(struct call *call, const char *room_id, const char *user_id,
                                 struct room **out) MUST_CHECK;

/* Sets a receipt. `thread` is NULL (unthreaded), "main" or a root's event ID. M_NOT_FOUND when the
 * event is not one of the room, M_INVALID_PARAM when it is not one of the thread. */
struct receipt_draft {
    enum receipt_type type;
    const char *event_id;
    const char *thread;
};
enum errcode receipt_send(struct call *call, struct room *room, const struct requester *requester,
                          const struct receipt_draft *draft) MUST_CHECK;

/* Moves the fully-read marker (m.fully_read) forward to an event of the room. M_NOT_FOUND. */
enum errcode read_marker_send(struct call *call, struct room *room,
                              const struct requester *requester, const char *event_id) MUST_CHECK;

/* Adds a receipt to the content of an m.receipt event. Clients can not be told of two receipts of
 * one user at one event: then it is the unthreaded one (MSC4102). */
void receipt_add_to_content(json_t *content, const struct receipt *receipt);

#endif
