#ifndef HOMESERVER_MEDIA_REMOTE_MEDIA_H
#define HOMESERVER_MEDIA_REMOTE_MEDIA_H

#include "homeserver/call.h"
#include "homeserver/media/content.h"

/*
 * Fetches what another server has and keeps it: the row is there afterwards. Those who want the
 * same at the same time share one transfer. Spec: server-server API, "Content Repository".
 *
 * M_NOT_FOUND, M_NOT_YET_UPLOADED as the other server says; M_TOO_LARGE (status 502) beyond the
 * configured size; M_FORBIDDEN when we do not talk to it; E_REMOTE, E_TIMEOUT.
 */
enum errcode remote_media_fetch(struct call *call, const struct content_wish *wish) MUST_CHECK;

#endif
