#ifndef HOMESERVER_APPSERVICE_APPSERVICE_CALL_H
#define HOMESERVER_APPSERVICE_APPSERVICE_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "homeserver/appservice/appservices.h"
#include "homeserver/call.h"

/*
 * Questions to application services. They wait for the answer, so only routes that may call out ask
 * them. Spec: application service API, "Pinging", "Querying", "Third-party networks".
 */

/* M_URL_NOT_SET; E_TIMEOUT and M_CONNECTION_FAILED with the reason; M_BAD_STATUS with status and
 * body as fields of the answer. */
enum errcode appservice_ping(struct call *call, const struct appservice *appservice,
                             const char *transaction_id, int64_t *duration_ms_out) MUST_CHECK;

/* Somebody asks for a local user who does not exist: those whose namespace it is may make it now.
 * True when one of them says that it did. Failures count as no. */
bool appservices_offer_user(struct call *call, const char *user_id);

/* room_alias_load(), after which the same is done for aliases. */
struct room_alias;
enum errcode appservices_find_alias(struct call *call, const char *alias,
                                    struct room_alias *out) MUST_CHECK;

/* What clients name an instance of a bridged network by: unique on this server, as no other
 * application service has this ID. */
const char *network_instance_id(struct arena *arena, const char *appservice_id,
                                const char *network_id);

/* `kind` is "protocol", "location" or "user"; the protocol is NULL for a look-up by alias or user
 * ID. Asks everybody who speaks it, and appends what they answer: objects of protocols, with an
 * `instance_id` in every instance, or the items of lists. Who fails is left out. False when nobody
 * speaks it. */
struct third_party_query {
    const char *kind;
    const char *protocol;
    const char *fields; /* query string without `?`; may be NULL */
};
bool appservices_query_third_party(struct call *call, const struct third_party_query *query,
                                   json_t *answers);

#endif
