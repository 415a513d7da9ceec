#ifndef HOMESERVER_ACCOUNTS_DEACTIVATION_H
#define HOMESERVER_ACCOUNTS_DEACTIVATION_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct call;

/*
 * Ends an account for good: no login, no sessions, no addresses, no profile; its name is never
 * given to anybody else. With `erase` other users are no longer shown what it wrote before they
 * came. Leaving the rooms is the caller's next step (homeserver/rooms). May be repeated after a
 * failure.
 */
enum errcode account_end(struct call *call, int64_t user_nid, bool erase) MUST_CHECK;

#endif
