#ifndef HOMESERVER_ACCOUNTS_LOGIN_IDENTIFIER_H
#define HOMESERVER_ACCOUNTS_LOGIN_IDENTIFIER_H

#include <jansson.h>

#include "homeserver/base/error.h"

struct call;

/*
 * Who wants to log in? Reads `identifier` (m.id.user, m.id.thirdparty, m.id.phone) of `object`, or
 * the deprecated top-level `user`, `medium` and `address`. A name without domain belongs to
 * `server_name`.
 *
 * `*out` is a user ID that may or may not have an account; "" when nobody has the given address.
 * M_MISSING_PARAM or M_BAD_JSON when the object names nobody; M_UNKNOWN for an identifier type that
 * is not known.
 */
enum errcode login_identifier_resolve(struct call *call, const char *server_name,
                                      const json_t *object, const char **out) MUST_CHECK;

#endif
