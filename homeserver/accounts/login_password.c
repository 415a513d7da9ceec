/* Spec: client-server API, "Password-based" login. */
#include "homeserver/accounts/login_password.h"

#include <string.h>

#include "homeserver/accounts/login_throttle.h"
#include "homeserver/accounts/password_hash.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/utf8.h"
#include "homeserver/call.h"
#include "storage/accounts.h"

/* New names are lower case, so who types capitals means the same account; an imported account
 * whose name has capitals is found as it is written. */
static enum errcode find_account(struct call *call, const char *user_id, const char *folded_id,
                                 const struct account **out)
{
    enum errcode code = account_load(call->db, call->arena, user_id, out);

    if (code == M_NOT_FOUND)
        code = account_load(call->db, call->arena, folded_id, out);
    if (code == M_NOT_FOUND) {
        *out = NULL;
        return OK;
    }
    return code;
}

enum errcode login_check_password(struct call *call, const char *user_id, const char *password,
                                  const char *address, const struct account **out)
{
    size_t folded_length;
    const char *folded_id = utf8_casefold(call->arena, user_id, strlen(user_id), &folded_length);
    const struct account *account;
    const char *better_hash;
    bool matches;

    TRY(login_throttle_check(call, folded_id, address));
    TRY(find_account(call, user_id, folded_id, &account));
    TRY(password_verify(call, password, account != NULL ? account->password_hash : NULL, &matches,
                        &better_hash));
    if (!matches) {
        login_throttle_note_failure(call, folded_id, address);
        /* Nobody has its password any more; that it exists /register/available tells as well. */
        if (account != NULL && account->deactivated_ts != 0)
            return fail(call->error, M_USER_DEACTIVATED, "This account was deactivated for good.");
        return fail(call->error, M_FORBIDDEN, "The user name or the password is wrong.");
    }
    if (better_hash != NULL)
        TRY(account_replace_password_hash(call->db, account->user_nid, account->password_hash,
                                          better_hash));
    *out = account;
    return OK;
}
