/*
 * Making accounts. Spec: client-server API, "Account registration"; appendix "User Identifiers".
 */
#include "homeserver/accounts/registration.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"
#include "homeserver/call.h"
#include "homeserver/protocol/identifiers.h"
#include "storage/accounts.h"
#include "storage/db.h"
#include "storage/registration_tokens.h"
#include "storage/threepids.h"

enum { MADE_LOCALPART_CHARS = 12 };

static const char *lower_case(struct arena *arena, const char *text)
{
    char *lower = arena_strdup(arena, text);

    for (char *c = lower; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
    }
    return lower;
}

static enum errcode check_is_free(struct call *call, const char *user_id)
{
    const struct account *account;
    enum errcode code = account_load(call->db, call->arena, user_id, &account);

    if (code == M_NOT_FOUND)
        return OK;
    TRY(code);
    return fail(call->error, M_USER_IN_USE, "This user name is taken.");
}

enum errcode registration_check_bridged_username(struct call *call, const char *server_name,
                                                 const char *username, const char **user_id_out)
{
    const char *localpart = lower_case(call->arena, username);
    const char *user_id = user_id_make(call->arena, localpart, server_name);

    if (!user_localpart_is_valid(localpart))
        return fail(call->error, M_INVALID_USERNAME,
                    "A user name consists of the letters a-z, digits and the signs . _ = - / +");
    if (!user_id_is_valid(user_id))
        return fail(call->error, M_INVALID_USERNAME, "This user name is too long.");
    *user_id_out = user_id;
    return check_is_free(call, user_id);
}

enum errcode registration_check_username(struct call *call, const char *server_name,
                                         const char *username, const char **user_id_out)
{
    /* By convention of all bridges: names that no person can take. */
    if (username[0] == '_')
        return fail(call->error, M_INVALID_USERNAME, "A user name does not begin with _");
    return registration_check_bridged_username(call, server_name, username, user_id_out);
}

enum errcode registration_make_user_id(struct call *call, const char *server_name,
                                       const char **user_id_out)
{
    const char *localpart =
        lower_case(call->arena, random_token(call->arena, MADE_LOCALPART_CHARS));
    const char *user_id = user_id_make(call->arena, localpart, server_name);

    TRY(check_is_free(call, user_id));
    *user_id_out = user_id;
    return OK;
}

static enum errcode insert(struct call *call, struct db *tx,
                           const struct registration *registration, int64_t *user_nid_out)
{
    const struct account account = {
        .user_id = registration->user_id,
        .password_hash = registration->password_hash,
        .appservice_id = registration->appservice_id,
        .created_ts = clock_wall_ms(),
        .is_guest = registration->is_guest,
        .is_admin = registration->is_admin,
    };

    TRY(account_insert(tx, call->arena, &account, user_nid_out));
    if (registration->terms_version != NULL)
        TRY(account_set_accepted_terms(tx, *user_nid_out, registration->terms_version));
    if (registration->email != NULL)
        TRY(threepid_insert(tx, *user_nid_out,
                            &(struct threepid){.medium = "email",
                                               .address = registration->email,
                                               .validated_ts = registration->email_ts,
                                               .added_ts = account.created_ts}));
    return OK;
}

static enum errcode use_token(struct call *call, struct db *tx, const char *token)
{
    enum errcode code = registration_token_use(tx, token, clock_wall_ms());

    if (code == M_FORBIDDEN)
        return fail(call->error, M_FORBIDDEN,
                    "This registration token is not valid, or it has been used up.");
    return code;
}

enum errcode registration_create(struct call *call, const struct registration *registration,
                                 int64_t *user_nid_out)
{
    SCOPED(db_transaction_end) struct db *tx = NULL;
    const char *token = registration->registration_token;
    int64_t user_nid;

    TRY(db_begin(call->db, &tx));
    if (token != NULL)
        TRY(use_token(call, tx, token));
    TRY(insert(call, tx, registration, &user_nid));
    TRY(db_commit(&tx));
    *user_nid_out = user_nid;
    return OK;
}
