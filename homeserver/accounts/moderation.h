#ifndef HOMESERVER_ACCOUNTS_MODERATION_H
#define HOMESERVER_ACCOUNTS_MODERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct call;

/* Locks an account, or unlocks it: its sessions stay, but can do nothing but log out.
 * Spec: client-server API, "Account locking". In force when the call returns. */
enum errcode account_lock(struct call *call, int64_t user_nid, bool locked) MUST_CHECK;

/* Suspends an account, or ends that: it may read and leave, not write. Spec: "Account
 * suspension". */
enum errcode account_suspend(struct call *call, int64_t user_nid, bool suspended) MUST_CHECK;

#endif
