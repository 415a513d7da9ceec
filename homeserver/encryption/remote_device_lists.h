#ifndef HOMESERVER_ENCRYPTION_REMOTE_DEVICE_LISTS_H
#define HOMESERVER_ENCRYPTION_REMOTE_DEVICE_LISTS_H

#include <jansson.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct call;
struct device_list_update_edu;
struct signing_key_update_edu;

/*
 * The device lists of other servers' users with whom somebody here shares a room: fetched once,
 * kept current by what their servers tell, fetched again when something was missed. Nobody fetches
 * before a client asks. Spec: server-server API, "Device Management".
 */

/* `answer` is one of GET /user/devices/{userId}: it is checked and, with the call, stored.
 * M_BAD_JSON when it is not about that user. A device that is not sound is left out. */
struct device_list_fetch {
    const char *user_id;
    int64_t user_nid;
    int64_t generation, tracked_position; /* see storage/remote_device_lists.h */
    const json_t *answer;
};
enum errcode remote_device_list_store(struct call *call,
                                      const struct device_list_fetch *fetch) MUST_CHECK;

/* What other servers tell: taken over, and our clients are told to ask for the user's keys again.
 * Committed with the call. */
enum errcode remote_device_list_updated(struct call *call,
                                        const struct device_list_update_edu *update) MUST_CHECK;
enum errcode remote_signing_keys_updated(struct call *call,
                                         const struct signing_key_update_edu *update) MUST_CHECK;

/* A job: those with whom no room is shared any more. */
enum errcode remote_device_lists_expire(struct call *call) MUST_CHECK;

#endif
