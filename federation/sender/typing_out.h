#ifndef FEDERATION_SENDER_TYPING_OUT_H
#define FEDERATION_SENDER_TYPING_OUT_H

#include "federation/sender/queue.h"
#include "homeserver/call.h"

/* What was last told of who types where, so that only changes are told. */
struct typing_out;

struct typing_out *typing_out_create(void);
void typing_out_destroy(struct typing_out *typing);

/* Adds the changes of our users in that room to the queues of the servers in it. */
enum errcode typing_out_follow(struct typing_out *typing, struct call *call, int64_t room_nid,
                               struct sender_queues *queues) MUST_CHECK;

#endif
