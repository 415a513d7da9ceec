#ifndef HOMESERVER_ROOMS_STRIPPED_STATE_H
#define HOMESERVER_ROOMS_STRIPPED_STATE_H

#include <jansson.h>

#include "homeserver/rooms/room_service.h"

/*
 * What somebody who is not in a room is shown of it with an invite or a knock: create, join rules,
 * name, topic, avatar, alias, encryption, and the member event of the one who invites.
 * Spec: client-server API, "Stripped state".
 */

/* An array of stripped events; borrowed from the call. `inviter` may be NULL. */
enum errcode stripped_state_make(struct call *call, struct room *room, const struct room_head *head,
                                 const char *inviter, json_t **out) MUST_CHECK;

/* The same events whole, as they are signed: what servers tell each other. Spec: server-server API,
 * invite_room_state and knock_room_state (MSC4311). */
enum errcode stripped_state_for_servers(struct call *call, const struct room_head *head,
                                        const char *inviter, json_t **out) MUST_CHECK;

/* What another server tells of a room, for clients: only what is well-formed of it, stripped, and
 * not more than an invite needs. A new array on the arena. */
json_t *stripped_state_clean(struct arena *arena, const json_t *told);

/* type, state_key, sender and content of a state event; a new reference. */
json_t *stripped_event(const struct event *event);

/* The same with its ID and time: for what clients may have to tell from another of its kind, and
 * for the create event (MSC4311, MSC4319). */
json_t *dated_event(const struct event *event);

#endif
