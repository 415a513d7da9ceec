#ifndef HOMESERVER_CLIENT_API_SYNCING_H
#define HOMESERVER_CLIENT_API_SYNCING_H

#include <stdint.h>

#include "homeserver/base/error.h"

/* What the ways to sync have in common. */
struct request;

/* Proxies cut connections that are silent for too long; clients ask for 30 s. */
enum { SYNC_TIMEOUT_MS_MAX = 120 * 1000 };

/* Syncing says that the user is there, unless the client asks to stay unseen. `set_presence` may be
 * NULL; M_INVALID_PARAM when it is none of the three states. */
enum errcode note_syncing(struct request *req, const char *set_presence,
                          int64_t timeout_ms) MUST_CHECK;

#endif
