#ifndef FEDERATION_RECEIVER_STATE_COMPLETION_H
#define FEDERATION_RECEIVER_STATE_COMPLETION_H

#include <stdint.h>

#include "homeserver/call.h"

struct services;

/*
 * After a join without all members (MSC3706): fetches the state that the join was built on from
 * those who are in the room, one after the other, until one tells it, and has the room completed by
 * it (homeserver/rooms/complete_state.h). What waits is in the database, so a restart goes on with
 * it; on another server's failure it is tried again later and later. Threads of its own.
 */
struct state_completion;

/* `services` must outlive it. Begins with what an earlier process has left behind. */
struct state_completion *state_completion_create(const struct services *services,
                                                 const char *conninfo);
/* Waits for the rooms under way; the others stay for the next process. NULL is allowed. */
void state_completion_destroy(struct state_completion *completion);

/* The room's join is committed. */
void state_completion_wake(struct state_completion *completion, int64_t room_nid);

/* A job: rooms whose time has come. */
enum errcode state_completion_resume(struct call *call) MUST_CHECK;

#endif
