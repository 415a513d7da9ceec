#ifndef FEDERATION_CLIENT_USER_KEYS_H
#define FEDERATION_CLIENT_USER_KEYS_H

#include <jansson.h>

#include "homeserver/call.h"

/* Keys of other servers' users. Spec: server-server API, "End-to-End Encryption" (user_keys.yaml).
 * `origin` is the hosted domain that asks. Answers are unchecked objects. */
enum errcode federation_query_user_keys(struct call *call, const char *origin,
                                        const char *destination, json_t *device_keys,
                                        json_t **out) MUST_CHECK;
enum errcode federation_claim_user_keys(struct call *call, const char *origin,
                                        const char *destination, json_t *one_time_keys,
                                        json_t **out) MUST_CHECK;

#endif
