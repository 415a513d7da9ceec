#ifndef HOMESERVER_ROOMS_INVITE_PERMISSION_H
#define HOMESERVER_ROOMS_INVITE_PERMISSION_H

#include <stdint.h>

#include "homeserver/call.h"
#include "storage/nids.h"

/*
 * Whose invites a local user wants: m.invite_permission_config (client-server API, "Invite
 * permission") and the finer org.matrix.msc4155.invite_permission_config (MSC4155).
 */

/* M_INVITE_BLOCKED when the user is local and wants no invites from `sender`. Invites that the user
 * ignores are let through: the sender is not to know. */
enum errcode invite_permission_check(struct call *call, const char *user_id,
                                     const char *sender) MUST_CHECK;

/* Those of these senders (user_nids) whose invites the user is not to be shown. */
enum errcode unwanted_inviters(struct call *call, int64_t user_nid, struct nid_list senders,
                               struct nid_list *out) MUST_CHECK;

#endif
