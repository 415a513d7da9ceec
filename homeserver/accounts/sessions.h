#ifndef HOMESERVER_ACCOUNTS_SESSIONS_H
#define HOMESERVER_ACCOUNTS_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct call;

/*
 * Sessions: a device together with the tokens that act for it.
 * Spec: client-server API, "Relationship between access tokens and devices", "Refreshing access
 * tokens", "Soft logout".
 */
enum { DEVICE_ID_BYTES_MAX = 255, DEVICE_NAME_BYTES_MAX = 255 };

struct session_draft {
    int64_t user_nid;
    const char *device_id;    /* NULL: make one */
    const char *display_name; /* of a new device; NULL: none */
    bool wants_refresh_token;
};

struct session {
    const char *device_id;
    const char *access_token;
    const char *refresh_token; /* NULL: the access token does not expire */
    int64_t expires_in_ms;     /* 0: never */
};

/* Makes tokens for a new device, or for one that exists: its old tokens end and its name stays.
 * M_INVALID_PARAM for a device ID, M_TOO_LARGE for a name, that is too long. */
enum errcode session_start(struct call *call, const struct session_draft *draft,
                           struct session *out) MUST_CHECK;

/* Whether a device may be called like this: the checks of session_start(). */
enum errcode session_check_draft(struct call *call, const struct session_draft *draft) MUST_CHECK;

/* New tokens for a refresh token. M_UNKNOWN_TOKEN when it is not valid; with soft_logout when it
 * has expired. A token that is presented again after its successor was used has been stolen by one
 * of its two users: every token of the device ends. M_USER_LOCKED for locked accounts. */
enum errcode session_refresh(struct call *call, const char *refresh_token,
                             struct session *out) MUST_CHECK;

/* Ends sessions and all that belongs to them: tokens, keys, pushers, to-device messages, the
 * devices themselves. Waits for the commit, so that the tokens are dead when this returns. */
enum errcode session_end_devices(struct call *call, int64_t user_nid, const char *const *device_ids,
                                 size_t count) MUST_CHECK;
enum errcode session_end_device(struct call *call, int64_t user_nid,
                                const char *device_id) MUST_CHECK;

/* All sessions of the user but that of `kept_device_id` (NULL: really all). */
enum errcode session_end_all(struct call *call, int64_t user_nid,
                             const char *kept_device_id) MUST_CHECK;

/* Other users see the name too. M_TOO_LARGE when it is too long. */
enum errcode session_rename_device(struct call *call, int64_t user_nid, const char *device_id,
                                   const char *display_name) MUST_CHECK;

#endif
