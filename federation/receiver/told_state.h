#ifndef FEDERATION_RECEIVER_TOLD_STATE_H
#define FEDERATION_RECEIVER_TOLD_STATE_H

#include <stddef.h>

#include "homeserver/protocol/json_scan.h"
#include "homeserver/rooms/room_service.h"

/*
 * A room's state with its auth chain as another server tells it (/state). It may have some hundred
 * thousand events, so it is never a tree in memory: events are cut out of the text, and verified,
 * judged and stored some hundred at a time.
 */

/* Stores the events of `pdus` and `auth_chain` as outliers, each after those that it refers to.
 * What names auth events that are not to be had is left out. Waits for the commits. */
enum errcode told_state_store(struct call *call, struct room *room,
                              struct json_span answer) MUST_CHECK;

#endif
