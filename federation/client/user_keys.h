#ifndef FEDERATION_CLIENT_USER_KEYS_H
#define FEDERATION_CLIENT_USER_KEYS_H

#include <jansson.h>

#include "federation/client/fetch_many.h"
#include "homeserver/call.h"

/* Questions about keys and devices of other servers' users, to be asked by federation_fetch_many().
 * Spec: server-server API, "End-to-End Encryption" (user_keys.yaml) and "Device Management"
 * (user_devices.yaml). Answers are unchecked objects. */
struct key_asker {
    const char *origin; /* the hosted domain that asks */
    int64_t timeout_ms;
};

/* `wanted` is borrowed: the `device_keys` or `one_time_keys` of the request. */
struct federation_question federation_user_keys_query(struct call *call,
                                                      const struct key_asker *asker,
                                                      const char *destination, json_t *wanted);
struct federation_question federation_user_keys_claim(struct call *call,
                                                      const struct key_asker *asker,
                                                      const char *destination, json_t *wanted);
/* The user's whole list, from the user's server. */
struct federation_question federation_user_devices(struct call *call, const struct key_asker *asker,
                                                   const char *user_id);

#endif
