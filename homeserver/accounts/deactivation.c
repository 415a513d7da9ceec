/* Spec: client-server API, "Account deactivation". */
#include "homeserver/accounts/deactivation.h"

#include "homeserver/accounts/sessions.h"
#include "homeserver/base/clock.h"
#include "homeserver/call.h"
#include "homeserver/services.h"
#include "storage/accounts.h"
#include "storage/cross_signing_keys.h"
#include "storage/db.h"
#include "storage/device_list_changes.h"
#include "storage/journal.h"
#include "storage/key_backups.h"
#include "storage/key_signatures.h"
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
    TRY(key_backups_delete_of_user(tx, user_nid));
    return db_commit(&tx);
}

/* What others encrypt with and trust; the keys of devices go with their sessions. */
static enum errcode end_keys(struct call *call, int64_t user_nid)
{
    struct journal_entry *entry = journal_entry_create();
    enum errcode outcome = device_list_changed_in(call->db, call->arena, entry, user_nid);

    if (outcome != OK) {
        journal_entry_destroy(entry);
        return outcome;
    }
    cross_signing_keys_delete_of_user_in(entry, user_nid);
    key_signatures_delete_of_user_in(entry, user_nid);
    journal_submit(call->services->journal, entry, call->commits);
    return OK;
}

enum errcode account_end(struct call *call, int64_t user_nid, bool erase)
{
    TRY(end_account_row(call, user_nid, erase));
    TRY(end_keys(call, user_nid));
    return session_end_all(call, user_nid, NULL);
}
