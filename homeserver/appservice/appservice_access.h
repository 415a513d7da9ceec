#ifndef HOMESERVER_APPSERVICE_APPSERVICE_ACCESS_H
#define HOMESERVER_APPSERVICE_APPSERVICE_ACCESS_H

#include "homeserver/accounts/requester.h"
#include "homeserver/base/error.h"

struct call;

/*
 * Who shows this access token: an application service, as one of its users, or anybody else
 * (accounts/authenticate.h).
 *
 * An application service acts as its own user, or as `asserted_user_id` when that is one of its
 * namespaces and registered: else M_FORBIDDEN. With `asserted_device_id` it acts as a device of
 * that user: M_UNKNOWN_DEVICE when there is none. Its own account is made at its first use.
 * Spec: application service API, "Identity assertion".
 */
enum errcode appservice_authenticate(struct call *call, const char *token,
                                     const char *asserted_user_id, const char *asserted_device_id,
                                     struct requester *out) MUST_CHECK;

#endif
