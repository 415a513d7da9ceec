#ifndef HOMESERVER_MEDIA_UPLOAD_H
#define HOMESERVER_MEDIA_UPLOAD_H

#include "homeserver/call.h"
#include "homeserver/media/media_intake.h"
#include "storage/media.h"

/* What our users bring. Spec: client-server API, "Content repository". */
struct requester;

struct upload {
    int64_t user_nid;
    const char *server_name; /* the user's domain; of the new mxc:// URI */
    const char *media_id;
    int64_t media_nid; /* of an ID that was made before; 0: a new one */
    const char *content_type;
    const char *file_name; /* NULL: none */
};

/* Makes an ID whose content comes later. M_LIMIT_EXCEEDED when too many wait. */
enum errcode upload_create_id(struct call *call, int64_t user_nid, const char *server_name,
                              struct media *out) MUST_CHECK;

/* The ID may be filled by this user: M_NOT_FOUND, M_FORBIDDEN, M_CANNOT_OVERWRITE_MEDIA. */
enum errcode upload_check_id(struct call *call, const char *server_name, const char *media_id,
                             int64_t user_nid, int64_t *media_nid_out) MUST_CHECK;

/* How many bytes the user may still bring in one file. M_FORBIDDEN when it is less than `expected`,
 * the size that was told (-1: none), and the user's limits are why. */
enum errcode upload_allowance(struct call *call, int64_t user_nid, int64_t expected,
                              int64_t *limit_out) MUST_CHECK;

/* Keeps the bytes under the upload's ID. M_FORBIDDEN for a virus. */
enum errcode upload_finish(struct call *call, struct media_intake *intake,
                           const struct upload *upload) MUST_CHECK;

/* A new media ID: 142 random bits. */
const char *upload_new_id(struct arena *arena);

#endif
