/* Spec: client-server API, "Account deactivation". */
#include "homeserver/accounts/deactivation.h"

#include "homeserver/accounts/sessions.h"
#include "homeserver/base/clock.h"
#include "homeserver/call.h"
#include "storage/accounts.h"
#include "storage/db.h"
#include "storage/login_tokens.h"
#include "storage/openid_tokens.h"
#include "storage/profiles.h"
#include "storage/threepids.h"

static enum errcode end_account_row(struct call *call, int64_t user_nid, bool erase)
{
    SCOPED(db_transaction_end) struct db *tx = NULL;

    TRY(db_begin(call->db, &tx));
    TRY(account_deactivate(tx, user_nid, clock_wall_ms(), erase));
    TRY(threepids_delete_of_user(tx, user_nid));
    TRY(profile_delete(tx, user_nid));
    TRY(login_tokens_delete_of_user(tx, user_nid));
    TRY(openid_tokens_delete_of_user(tx, user_nid));
    return db_commit(&tx);
}

enum errcode account_end(struct call *call, int64_t user_nid, bool erase)
{
    TRY(end_account_row(call, user_nid, erase));
    return session_end_all(call, user_nid, NULL);
}
