/* beffroi user list */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/glob.h"
#include "homeserver/cli/account_session.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"
#include "storage/accounts.h"

enum { ACCOUNTS_PER_READ = 1000 };

struct selection {
    const char *pattern; /* of user IDs; NULL: all */
    bool admins_only;
    bool with_deactivated;
};

static bool is_wanted(const struct selection *selection, const struct account *account)
{
    if (selection->admins_only && !account->is_admin)
        return false;
    if (!selection->with_deactivated && account->deactivated_ts != 0)
        return false;
    return selection->pattern == NULL || glob_match(selection->pattern, account->user_id, true);
}

static void print_account(const struct account *account)
{
    time_t created = (time_t)(account->created_ts / 1000);
    struct tm when;
    char day[32];

    gmtime_r(&created, &when);
    strftime(day, sizeof(day), "%Y-%m-%d", &when);
    printf("%s  %s%s%s%s%s%s%s\n", day, account->user_id,
           account->is_admin ? "  administrator" : "", account->is_guest ? "  guest" : "",
           account->is_locked ? "  locked" : "", account->is_suspended ? "  suspended" : "",
           account->deactivated_ts != 0 ? "  deactivated" : "",
           account->appservice_id != NULL ? "  application service" : "");
}

/* Page by page: an installation may have more accounts than fit into memory at ease. */
static enum errcode list(struct account_session *session, const void *options)
{
    const struct selection *selection = options;
    const char *after = "";
    size_t count;

    do {
        SCOPED(arena_release) struct arena *arena = arena_create();
        const struct account *accounts;
        TRY(accounts_list(session->call.db, arena, after, ACCOUNTS_PER_READ, &accounts, &count));
        for (size_t i = 0; i < count; i++) {
            if (is_wanted(selection, &accounts[i]))
                print_account(&accounts[i]);
        }
        if (count > 0)
            after = arena_strdup(session->call.arena, accounts[count - 1].user_id);
    } while (count == ACCOUNTS_PER_READ);
    return OK;
}

static enum exit_status run(struct invocation *invocation)
{
    struct selection selection = {0};
    const struct command_option options[] = {
        {"admins", NULL, "administrators only", &selection.admins_only, NULL},
        {"deactivated", NULL, "deactivated accounts too", &selection.with_deactivated, NULL},
        {0},
    };
    enum command_parse_result parsed = command_parse(invocation, options, 0, 1);

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    if (invocation->operand_count > 0)
        selection.pattern = invocation->operands[0];
    return account_session_run(invocation, list, &selection);
}

const struct command command_user_list = {
    .name = "user list",
    .operands = "[PATTERN]",
    .summary = "show accounts: since when, user ID, what is special",
    .details = "PATTERN is compared with whole user IDs; * and ? are wildcards.\n"
               "\n"
               "  beffroi user list '@a*' --admins\n",
    .run = run,
};
