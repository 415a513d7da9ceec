/*
 * Which of two session keys a backup keeps.
 * Spec: client-server API, "Storing room keys in a backup" (PUT /room_keys/keys).
 */
#include "homeserver/protocol/key_backup.h"

#include "homeserver/protocol/json.h"

enum errcode backed_up_session_parse(const json_t *json, struct error *error,
                                     struct backed_up_session *out)
{
    struct backed_up_session session = {0};

    TRY(json_require_int(json, "first_message_index", error, &session.first_message_index));
    TRY(json_require_int(json, "forwarded_count", error, &session.forwarded_count));
    TRY(json_require_object(json, "session_data", error, &session.session_data));
    if (!json_is_boolean(json_object_get(json, "is_verified")))
        return fail(error, M_BAD_JSON, "The member \"is_verified\" must be true or false.");
    session.is_verified = json_get_bool(json, "is_verified", false);
    *out = session;
    return OK;
}

bool backed_up_session_replaces(const struct backed_up_session *candidate,
                                const struct backed_up_session *stored)
{
    if (candidate->is_verified != stored->is_verified)
        return candidate->is_verified;
    if (candidate->first_message_index != stored->first_message_index)
        return candidate->first_message_index < stored->first_message_index;
    return candidate->forwarded_count < stored->forwarded_count;
}
