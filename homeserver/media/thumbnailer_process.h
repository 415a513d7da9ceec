#ifndef HOMESERVER_MEDIA_THUMBNAILER_PROCESS_H
#define HOMESERVER_MEDIA_THUMBNAILER_PROCESS_H

#include "homeserver/call.h"
#include "storage/media_files.h"

/* Runs the thumbnailer on `source` into `result` (both borrowed) and waits for its end.
 * `status_out` is one of enum thumbnailer_status, or 128 and the signal that ended it.
 * E_SYSTEM when it can not be started. */
enum errcode thumbnailer_run(struct call *call, const struct thumbnail_key *key, int source,
                             int result, int *status_out) MUST_CHECK;

#endif
