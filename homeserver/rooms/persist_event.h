#ifndef HOMESERVER_ROOMS_PERSIST_EVENT_H
#define HOMESERVER_ROOMS_PERSIST_EVENT_H

#include "homeserver/rooms/event_builder.h"
#include "homeserver/rooms/event_draft.h"
#include "homeserver/rooms/room_service.h"

/*
 * The one way into the timeline: turns an authorised event into a journal entry with everything
 * that follows from it (state, membership, redaction, whom to wake), and moves the room's head.
 * Takes `built->arena`.
 */
enum errcode persist_event(struct call *call, struct room_build *build,
                           const struct event_draft *draft, struct built_event *built) MUST_CHECK;

#endif
