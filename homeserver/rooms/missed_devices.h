#ifndef HOMESERVER_ROOMS_MISSED_DEVICES_H
#define HOMESERVER_ROOMS_MISSED_DEVICES_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/call.h"
#include "homeserver/protocol/state_map.h"
#include "storage/events.h"
#include "storage/partial_state_rooms.h"

/*
 * While we do not know the members of a room (complete_state.h) its servers are those that we were
 * told of, and those whose users came since. When the state is whole it may name others: they have
 * missed how the devices of our users in the room changed, and hear of it then, also if they are
 * gone again and share another room with the user (MSC3902).
 */
struct journal_entry;
struct missed_devices;

/* On the call's arena; borrows `partial`. */
struct missed_devices *missed_devices_create(struct call *call,
                                             const struct partial_state_room *partial);

/* Events that are or were part of the state since we joined; only members of other servers who were
 * joined matter. */
enum errcode missed_devices_see(struct missed_devices *missed,
                                const struct stored_event *event) MUST_CHECK;

/* Submits what there is to tell now that `state` turned out to be the room's, in entries of their
 * own: before that of the state itself, so that nothing is lost between the two. */
enum errcode missed_devices_tell(struct missed_devices *missed,
                                 const struct state_map *state) MUST_CHECK;

/* For the entry by which a user of ours comes into a room whose members we do not know. The servers
 * that we are told of hear of the join and ask for the user's devices when they need them; those
 * that met the user before, and lost sight, may believe that they know them and are told. */
enum errcode missed_devices_tell_again_in(struct call *call, struct journal_entry *entry,
                                          const struct partial_state_room *partial,
                                          int64_t user_nid) MUST_CHECK;

#endif
