#ifndef FEDERATION_RECEIVER_ROOM_INTAKE_H
#define FEDERATION_RECEIVER_ROOM_INTAKE_H

#include <stdbool.h>

#include "homeserver/call.h"

/* Takes the oldest events of a room out of the inbox: verifies them, fetches what they need, judges
 * and stores them. `has_more_out`: others wait. Errors are those of our surroundings alone; then
 * what is left is tried again later. */
enum errcode room_intake_run(struct call *call, const char *room_id, bool *has_more_out) MUST_CHECK;

#endif
