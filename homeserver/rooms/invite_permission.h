#ifndef HOMESERVER_ROOMS_INVITE_PERMISSION_H
#define HOMESERVER_ROOMS_INVITE_PERMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/call.h"

/* Whether a local user wants no invites at all (m.invite_permission_config).
 * Spec: client-server API, "Invite permission". */
enum errcode invites_are_blocked(struct call *call, int64_t user_nid, bool *out) MUST_CHECK;

/* M_INVITE_BLOCKED when the user is local and wants no invites. */
enum errcode invite_permission_check(struct call *call, const char *user_id) MUST_CHECK;

#endif
