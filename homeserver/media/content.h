#ifndef HOMESERVER_MEDIA_CONTENT_H
#define HOMESERVER_MEDIA_CONTENT_H

#include <stdbool.h>

#include "homeserver/call.h"
#include "storage/media.h"
#include "storage/media_files.h"

/* Reading media, ours and copies of other servers'. */
struct content_wish {
    const char *server_name; /* as they stand in the request: checked here */
    const char *media_id;
    bool is_unauthenticated; /* by the deprecated endpoints: what is new is not there for them */
    bool may_fetch;          /* from the server that has it */
    int64_t timeout_ms;
    const char *asking_server; /* the hosted domain on whose behalf it is fetched */
    bool is_for_scanner;       /* who asks looks for viruses by itself */
};

struct content {
    struct media media;
    struct media_file file;
};

/*
 * Finds the media and the file it is in. M_NOT_FOUND for what is not there, deleted, quarantined or
 * not for this caller; M_NOT_YET_UPLOADED while the content has not come, when the caller may want
 * to wait; M_FORBIDDEN for a file with a virus; for media of other servers also E_REMOTE,
 * E_TIMEOUT, M_TOO_LARGE with status 502.
 */
enum errcode content_find(struct call *call, const struct content_wish *wish,
                          struct content *out) MUST_CHECK;

/* The bytes of a file, for the caller to close. */
enum errcode content_open(struct call *call, const struct media_file *file, int *fd_out) MUST_CHECK;

#endif
