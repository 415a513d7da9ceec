#ifndef HOMESERVER_ROOMS_RELATIONS_H
#define HOMESERVER_ROOMS_RELATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/rooms/event_draft.h"
#include "homeserver/rooms/room_service.h"

struct event;
struct journal_entry;

/*
 * What relations between events ask of this server when events come and go.
 * Spec: client-server API, "Forming relationships between events".
 */

/* Whether a local user may relate like this: M_DUPLICATE_ANNOTATION for the same reaction twice,
 * M_UNKNOWN for a thread that would begin at an event that is related itself. */
enum errcode relations_check(struct call *call, struct room *room,
                             const struct event_draft *draft) MUST_CHECK;

/* Adds the relation of an event, if it has one, to its journal entry. `is_own`: a local user sends
 * it, and must not repeat an annotation (E_CONFLICT at the commit). */
struct relating {
    const struct event *event;
    int64_t room_nid;
    int64_t event_nid;
    int64_t sender_nid;
    bool is_own;
};
void relations_persist_in(struct journal_entry *entry, const struct relating *relating);

/* `event` is redacted: it relates to nothing any more. */
void relations_redact_in(struct journal_entry *entry, int64_t room_nid, int64_t event_nid,
                         const struct event *event);

#endif
