#ifndef HOMESERVER_PUSH_PUSH_ACTIONS_H
#define HOMESERVER_PUSH_PUSH_ACTIONS_H

#include <stdint.h>

#include "homeserver/call.h"
#include "homeserver/protocol/event.h"

/*
 * What a new event of a timeline does for local users. The predefined rules are evaluated once, for
 * nobody in particular; then only for those who are mentioned, invited or subscribed to the
 * thread, who have rules that can
 * concern the event, or who ignore its sender.
 *
 * Spec: client-server API, "Push rules", "Receiving notifications".
 */
struct journal_entry;
struct power_levels;

struct push_event {
    const struct event *event;
    int64_t event_nid;
    int64_t room_nid;
    int64_t snapshot_nid; /* of the state before the event; 0 while that is not committed */
    int64_t sender_nid;
    int64_t member_count;                    /* joined members before the event */
    const struct power_levels *power_levels; /* of the room before the event */
};

/* Adds personal actions and the event's thread to its journal entry. `*flags_out`: what becomes of
 * the event's own flags (enum event_flag: notifies, highlights, sounds, rings, in a thread). */
enum errcode push_evaluate_event(struct call *call, const struct push_event *event,
                                 struct journal_entry *entry, unsigned *flags_out) MUST_CHECK;

/* The push flags (enum push_flag) that an event's own flags stand for. */
unsigned push_flags_of_event(unsigned event_flags);

#endif
