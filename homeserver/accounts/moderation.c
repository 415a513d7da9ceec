/* Locking and suspending accounts. */
#include "homeserver/accounts/moderation.h"

#include "homeserver/accounts/token_cache.h"
#include "homeserver/base/clock.h"
#include "homeserver/call.h"
#include "homeserver/services.h"
#include "storage/accounts.h"
#include "storage/journal.h"

typedef void (*set_in_fn)(struct journal_entry *entry, int64_t user_nid, int64_t ts);

static enum errcode set_and_wait(struct call *call, int64_t user_nid, set_in_fn set, int64_t ts)
{
    struct journal_entry *entry = journal_entry_create();
    struct commit_group *group = commit_group_create();
    enum errcode outcome;

    set(entry, user_nid, ts);
    journal_entry_wake_user(entry, user_nid);
    journal_submit(call->services->journal, entry, group);
    outcome = commit_group_wait(group);
    commit_group_release(group);
    token_cache_invalidate_user(call->services->token_cache, user_nid);
    return outcome;
}

enum errcode account_lock(struct call *call, int64_t user_nid, bool locked)
{
    return set_and_wait(call, user_nid, account_set_locked_in, locked ? clock_wall_ms() : 0);
}

enum errcode account_suspend(struct call *call, int64_t user_nid, bool suspended)
{
    return set_and_wait(call, user_nid, account_set_suspended_in, suspended ? clock_wall_ms() : 0);
}
