#ifndef HOMESERVER_ROOMS_REDACT_H
#define HOMESERVER_ROOMS_REDACT_H

#include "homeserver/protocol/event.h"
#include "homeserver/rooms/room_service.h"

struct journal_entry;
struct requester;

/*
 * Whether a local user may redact this event: their own, or with the power to redact others'. Rooms
 * would let everybody redact the messages of their whole server, which is meant for administrators.
 * An event that is not here counts as another's: other servers may have it.
 * M_NOT_FOUND when the user can not see the event, M_FORBIDDEN when it is not theirs to redact.
 * Spec: client-server API, "Redactions".
 */
enum errcode redaction_check_allowed(struct call *call, const char *room_id,
                                     const struct requester *requester,
                                     const char *target_event_id) MUST_CHECK;

/*
 * When `event` is a redaction whose target we have and that takes effect: adds to the redaction's
 * journal entry that the target's body becomes its redacted form. When we do not have the target
 * yet, the redaction is remembered for it. Otherwise does nothing.
 * Spec: room version pages, "Handling redactions".
 */
enum errcode redact_in(struct call *call, struct room_build *build, const struct event *event,
                       int64_t event_nid, struct journal_entry *entry) MUST_CHECK;

/* For an event that gets its place only now: the redaction of it that came before and takes effect;
 * all zero when there is none. On the call's arena. */
struct late_redaction {
    int64_t redaction_nid;
    const char *bytes; /* the event in its redacted form, canonical */
    size_t byte_count;
};
enum errcode redact_late(struct call *call, const struct room_build *build,
                         const struct event *event, struct late_redaction *out) MUST_CHECK;

#endif
