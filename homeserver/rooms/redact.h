#ifndef HOMESERVER_ROOMS_REDACT_H
#define HOMESERVER_ROOMS_REDACT_H

#include "homeserver/protocol/event.h"
#include "homeserver/rooms/room_service.h"

struct journal_entry;

/*
 * When `event` is a redaction whose target we have and that takes effect: adds to the redaction's
 * journal entry that the target's body becomes its redacted form. Otherwise does nothing.
 * Spec: room version pages, "Handling redactions".
 */
enum errcode redact_in(struct call *call, struct room_build *build, const struct event *event,
                       int64_t event_nid, struct journal_entry *entry) MUST_CHECK;

#endif
