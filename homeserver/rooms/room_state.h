#ifndef HOMESERVER_ROOMS_ROOM_STATE_H
#define HOMESERVER_ROOMS_ROOM_STATE_H

#include "homeserver/protocol/auth_events.h"
#include "homeserver/protocol/auth_rules.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/power_levels.h"
#include "homeserver/rooms/room_service.h"

/*
 * Looking things up in the state of a room. Events are borrowed from the call.
 */

/* The state event at this key of any state of the room; `*out` is NULL when there is none. */
enum errcode room_state_event(struct call *call, struct room *room, const struct state_map *state,
                              const struct state_key *key, const struct event **out) MUST_CHECK;

/* event_nid of the state event at this key, or 0. */
enum errcode room_state_event_nid(struct call *call, const struct state_map *state,
                                  const struct state_key *key, int64_t *nid_out) MUST_CHECK;

/* The same in a head, whose important events are at hand. */
enum errcode room_head_event(struct call *call, struct room *room, const struct room_head *head,
                             const struct state_key *key, const struct event **out) MUST_CHECK;

struct power_levels room_head_power_levels(const struct room *room, const struct room_head *head);

/* A member's membership in a head: "join", …; NULL when there was never any. */
enum errcode room_head_membership(struct call *call, struct room *room,
                                  const struct room_head *head, const char *user_id,
                                  const char **out) MUST_CHECK;

/*
 * The lookup that auth_rules_check() wants, backed by a head. A lookup can not report a failure, so
 * it is kept here: look at `failure` after every check.
 */
struct head_lookup {
    struct call *call;
    struct room *room;
    const struct room_head *head;
    enum errcode failure;
};
const struct event *head_lookup_event(void *head_lookup, const char *type, const char *state_key);

/* The same, backed by any state of the room. */
struct map_lookup {
    struct call *call;
    struct room *room;
    const struct state_map *state;
    enum errcode failure;
};
const struct event *map_lookup_event(void *map_lookup, const char *type, const char *state_key);

/* The state after an event whose snapshot is known; borrowed from the call. */
enum errcode room_state_after(struct call *call, struct room *room,
                              const struct stored_event *event, struct state_map **out) MUST_CHECK;

/* The room's state when the event arrived, and from then on: for readers who follow the room from
 * event to event, whatever branch the event belongs to. Borrowed from the call. */
enum errcode room_state_at_arrival(struct call *call, struct room *room,
                                   const struct stored_event *event,
                                   struct state_map **out) MUST_CHECK;
enum errcode room_state_from_arrival(struct call *call, struct room *room,
                                     const struct stored_event *event,
                                     struct state_map **out) MUST_CHECK;

/* The state before an event, from its snapshot; `*out` is borrowed from the call. M_NOT_FOUND when
 * the snapshot is not known. Head states are found without a query. */
enum errcode room_state_of_snapshot(struct call *call, struct room *room, int64_t snapshot_nid,
                                    struct state_map **out) MUST_CHECK;

/* event_nids of all state events of this type, on the arena. Looks at every key of the state. */
enum errcode room_state_of_type(struct call *call, const struct state_map *state, const char *type,
                                struct nid_list *out) MUST_CHECK;

#endif
