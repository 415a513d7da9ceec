#ifndef HOMESERVER_ACCOUNTS_LOGIN_PASSWORD_H
#define HOMESERVER_ACCOUNTS_LOGIN_PASSWORD_H

#include "homeserver/base/error.h"

struct account;
struct call;

/*
 * Does the password belong to the account? `user_id` as login_identifier_resolve() gave it.
 *
 * M_FORBIDDEN, with the same text and after the same time, when the password is wrong, there is no
 * such account, it is deactivated, or it has no password. M_LIMIT_EXCEEDED after too many failures
 * for the account or from the address. A locked account is returned: ask it.
 */
enum errcode login_check_password(struct call *call, const char *user_id, const char *password,
                                  const char *address, const struct account **out) MUST_CHECK;

#endif
