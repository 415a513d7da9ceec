#ifndef HOMESERVER_PROTOCOL_OWNED_STATE_H
#define HOMESERVER_PROTOCOL_OWNED_STATE_H

#include <stdbool.h>

#include "homeserver/protocol/identifiers.h"

/*
 * State keys that belong to a user: "@user:domain" or "@user:domain_suffix" (MSC3757).
 */
enum {
    STATE_KEY_BYTES_MAX = 255,
    OWNED_STATE_KEY_SUFFIX_BYTES_MAX = 256, /* with the underscore */
    OWNED_STATE_KEY_BYTES_MAX = IDENTIFIER_BYTES_MAX + OWNED_STATE_KEY_SUFFIX_BYTES_MAX,
};

struct state_key_owner {
    char user_id[IDENTIFIER_BYTES_MAX + 1]; /* empty: the key is nobody's */
};

/* Rules 8.1.1, 8.1.2 and 8.2 of MSC3757: false for a key that starts with an `@` but not with a
 * user ID, and for one that is too long. */
bool owned_state_key_parse(const char *state_key, struct state_key_owner *out);

#endif
