#ifndef HOMESERVER_PROTOCOL_EVENT_FORMAT_H
#define HOMESERVER_PROTOCOL_EVENT_FORMAT_H

#include <jansson.h>
#include <stdbool.h>

#include "homeserver/base/error.h"

struct room_version;

/*
 * What a PDU looks like, by room version: which members it has, their types, their sizes.
 * Spec: server-server API "PDUs", "Size limits"; room version pages, "Event format".
 */

/* Checks every member that the rules read. `hashes` and `signatures` may be absent (an event that
 * is still being built) but not misshapen. M_BAD_JSON or M_TOO_LARGE; `error` names the member. */
enum errcode event_format_check(const struct room_version *version, const json_t *event,
                                struct error *error) MUST_CHECK;

/* Demands `hashes.sha256` and `signatures`, which every event on its way between servers has. */
enum errcode event_format_check_sealed(const json_t *event, struct error *error) MUST_CHECK;

/* The event ID of an entry of `prev_events` or `auth_events`: a text, or in v1 and v2 a pair of ID
 * and hashes. NULL when the entry is something else. Borrowed from it. */
const char *event_format_link(const struct room_version *version, const json_t *entry);

/* True for the create event of a room whose ID is that event's hash: it carries no `room_id`. */
bool event_format_has_implied_room_id(const struct room_version *version, const json_t *event);

#endif
