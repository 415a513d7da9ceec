#ifndef FEDERATION_CLIENT_POLICY_SERVER_H
#define FEDERATION_CLIENT_POLICY_SERVER_H

#include <jansson.h>

#include "homeserver/call.h"

/* Asks a policy server to sign an event; blocks for 10 s at most. `*out` is the object that is to
 * become `signatures.<policy server>`, not looked at any further. What the server refuses comes
 * back as its code and text. Spec: server-server API, "Policy Servers" (room_policy.yaml). */
struct policy_question {
    const char *origin; /* the hosted domain that asks */
    const char *policy_server;
    const json_t *event;
};
enum errcode federation_ask_policy_server(struct call *call, const struct policy_question *question,
                                          const json_t **out) MUST_CHECK;

#endif
