#ifndef FEDERATION_RECEIVER_RECEIVER_H
#define FEDERATION_RECEIVER_RECEIVER_H

#include "homeserver/call.h"

struct services;

/*
 * Works through the inbox: events of one room one after the other, rooms side by side, so that a
 * room that needs other servers' help never holds up another. Threads of its own.
 */
struct federation_receiver;

/* `services` must outlive it. Begins with what an earlier process has left behind. */
struct federation_receiver *federation_receiver_create(const struct services *services,
                                                       const char *conninfo);
/* Finishes the events under way; the others stay in the inbox. NULL is allowed. */
void federation_receiver_destroy(struct federation_receiver *receiver);

/* Something waits for this room. */
void federation_receiver_wake(struct federation_receiver *receiver, const char *room_id);

/* A job: rooms whose work was cut off, here or in a process that died; old transaction IDs. */
enum errcode federation_receiver_resume(struct call *call) MUST_CHECK;

#endif
