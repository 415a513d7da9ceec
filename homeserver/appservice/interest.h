#ifndef HOMESERVER_APPSERVICE_INTEREST_H
#define HOMESERVER_APPSERVICE_INTEREST_H

#include <stdint.h>

#include "homeserver/appservice/appservices.h"
#include "homeserver/call.h"
#include "storage/appservices.h"

/*
 * Whom an event concerns. Asked for event after event in the order of the stream, so that what is
 * known of a room stays right until one of its memberships changes: a message in a known room costs
 * no query. Bounded memory; one thread.
 * Spec: application service API, "Registration" (which events a namespace stands for).
 */
struct interest;
struct interest *interest_create(void);
void interest_destroy(struct interest *interest);

/* A piece of the stream begins; what a set of another generation knew is forgotten. */
void interest_begin(struct interest *interest, const struct appservice_set *set);

/* Bits of the set's application services. */
enum errcode interest_in_event(struct interest *interest, struct call *call,
                               const struct appservice_event *event, uint64_t *out) MUST_CHECK;

/* Who is interested in the room as such at this position: for receipts and typing. */
struct interest_room {
    int64_t room_nid;
    const char *room_id;
    int64_t position;
};
enum errcode interest_in_room(struct interest *interest, struct call *call,
                              const struct interest_room *room, uint64_t *out) MUST_CHECK;

/* Who is interested in the user or in a room that the user is in: for presence and device lists. */
struct interest_user {
    int64_t user_nid;
    const char *user_id;
    int64_t position;
};
enum errcode interest_in_user(struct interest *interest, struct call *call,
                              const struct interest_user *user, uint64_t *out) MUST_CHECK;

#endif
