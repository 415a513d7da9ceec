#ifndef HOMESERVER_ACCOUNTS_REGISTRATION_H
#define HOMESERVER_ACCOUNTS_REGISTRATION_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct call;

/* The user ID that a new account with this name would get: capitals become small letters.
 * M_INVALID_USERNAME when the grammar of new user IDs does not allow the name; M_USER_IN_USE when
 * it is, or was, taken: then the user ID is there too. */
enum errcode registration_check_username(struct call *call, const char *server_name,
                                         const char *username, const char **user_id_out) MUST_CHECK;

/* The same for a user that an application service makes: their names may begin with _. */
enum errcode registration_check_bridged_username(struct call *call, const char *server_name,
                                                 const char *username,
                                                 const char **user_id_out) MUST_CHECK;

/* A free user ID for somebody who asked for no name. */
enum errcode registration_make_user_id(struct call *call, const char *server_name,
                                       const char **user_id_out) MUST_CHECK;

/* A new account. Strings may be NULL where noted. */
struct registration {
    const char *user_id;
    const char *password_hash;      /* NULL: no login by password */
    const char *registration_token; /* NULL: none; one use is counted with the account */
    const char *terms_version;      /* NULL: nothing accepted */
    const char *email;              /* NULL: no validated address */
    int64_t email_ts;               /* when it was validated */
    const char *appservice_id;      /* NULL: made by a person */
    bool is_guest;
    bool is_admin;
};

/* M_USER_IN_USE when somebody was faster; M_FORBIDDEN when the token was used up meanwhile;
 * M_THREEPID_IN_USE when another account got the address meanwhile. */
enum errcode registration_create(struct call *call, const struct registration *registration,
                                 int64_t *user_nid_out) MUST_CHECK;

#endif
