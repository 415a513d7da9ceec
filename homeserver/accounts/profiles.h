#ifndef HOMESERVER_ACCOUNTS_PROFILES_H
#define HOMESERVER_ACCOUNTS_PROFILES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct call;

/*
 * Profiles of local users. Spec: client-server API, "Profiles".
 */
enum {
    PROFILE_KEY_BYTES_MAX = 255,
    PROFILE_BYTES_MAX = 65535, /* "under 64 KiB" */
    DISPLAY_NAME_BYTES_MAX = 1024,
};

/* The profile of an account here; M_NOT_FOUND when there is none or it was deactivated. */
enum errcode profile_find_local(struct call *call, const char *user_id, json_t **out) MUST_CHECK;

/* M_KEY_TOO_LARGE or M_INVALID_PARAM when this can not be the name of a field. */
enum errcode profile_check_key(struct call *call, const char *key) MUST_CHECK;

/* Sets a field to a JSON value, or takes it away when `value` is NULL. An empty or null displayname
 * or avatar_url is taken away too. M_BAD_JSON or M_INVALID_PARAM when the value does not fit the
 * field, M_PROFILE_TOO_LARGE. `*shown_in_rooms_out`: member events have to follow. */
struct profile_edit {
    int64_t user_nid;
    const char *key;
    const json_t *value;
};
enum errcode profile_edit_field(struct call *call, const struct profile_edit *edit,
                                bool *shown_in_rooms_out) MUST_CHECK;

#endif
