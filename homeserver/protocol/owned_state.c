/*
 * State keys that belong to a user.
 * MSC3757, "Restricting who can overwrite a state event".
 */
#include "homeserver/protocol/owned_state.h"

#include <string.h>

/* Up to the first `_` that follows the first `:`. No server name has an underscore. */
static size_t owner_length(const char *state_key)
{
    const char *colon = strchr(state_key, ':');

    return colon == NULL ? strlen(state_key) : (size_t)(colon - state_key) + strcspn(colon, "_");
}

bool owned_state_key_parse(const char *state_key, struct state_key_owner *out)
{
    *out = (struct state_key_owner){""};
    if (state_key[0] != '@')
        return strlen(state_key) <= STATE_KEY_BYTES_MAX;

    size_t length = owner_length(state_key);
    if (length > IDENTIFIER_BYTES_MAX ||
        strlen(state_key + length) > OWNED_STATE_KEY_SUFFIX_BYTES_MAX)
        return false;
    memcpy(out->user_id, state_key, length);
    return user_id_is_valid(out->user_id);
}
