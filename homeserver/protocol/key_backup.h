#ifndef HOMESERVER_PROTOCOL_KEY_BACKUP_H
#define HOMESERVER_PROTOCOL_KEY_BACKUP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/error.h"

/*
 * Session keys in a server-side key backup.
 * Spec: client-server API, "Server-side key backups".
 */
struct backed_up_session {
    int64_t first_message_index;
    int64_t forwarded_count;
    bool is_verified;
    json_t *session_data; /* borrowed; opaque to the server */
};

/* M_BAD_JSON, with the member's name, when it is not a KeyBackupData object. */
enum errcode backed_up_session_parse(const json_t *json, struct error *error,
                                     struct backed_up_session *out) MUST_CHECK;

/* True when `candidate` is to replace the session of the same ID that is stored: a verified one
 * wins, then the one that decrypts from an earlier message on, then the one forwarded less often.
 * Equals stay. */
bool backed_up_session_replaces(const struct backed_up_session *candidate,
                                const struct backed_up_session *stored);

#endif
