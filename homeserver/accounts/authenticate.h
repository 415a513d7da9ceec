#ifndef HOMESERVER_ACCOUNTS_AUTHENTICATE_H
#define HOMESERVER_ACCOUNTS_AUTHENTICATE_H

#include "homeserver/accounts/requester.h"
#include "homeserver/base/error.h"

struct call;

/*
 * Who shows this access token? `asserted_user_id` and `asserted_device_id` are the query parameters
 * user_id and device_id (NULL when absent): they count for application services only and are
 * ignored for everybody else.
 *
 * M_UNKNOWN_TOKEN when the token is not, or no longer, valid; with soft_logout when it expired and
 * the session still exists. A locked or suspended account is no error here: the dispatcher decides
 * by the route's flags. Strings in `*out` are borrowed from the call's arena.
 */
enum errcode authenticate_token(struct call *call, const char *token, const char *asserted_user_id,
                                const char *asserted_device_id, struct requester *out) MUST_CHECK;

/* Notes when and from where a device was last used; writes at most once a minute per device.
 * `user_agent` may be NULL. Failures are ignored: nothing depends on it. */
void authenticate_note_use(struct call *call, const struct requester *requester,
                           const char *address, const char *user_agent);

#endif
