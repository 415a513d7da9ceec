/* beffroi user set-password */
#include "homeserver/accounts/password_hash.h"
#include "homeserver/accounts/sessions.h"
#include "homeserver/cli/account_session.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"
#include "homeserver/cli/password_input.h"
#include "storage/accounts.h"

struct arguments {
    const char *name;
    bool make_password;
    bool keep_sessions;
};

static enum errcode set_password(struct account_session *session, const void *options)
{
    const struct arguments *arguments = options;
    struct call *call = &session->call;
    const struct account *account;
    const char *password, *hash;

    TRY(account_session_find(session, arguments->name, &account));
    if (account->deactivated_ts != 0)
        return fail(call->error, M_USER_DEACTIVATED, "%s is deactivated for good.",
                    account->user_id);
    if (arguments->make_password)
        password = password_input_generate(call->arena);
    else
        TRY(password_input_read(call->arena, call->error, &password));
    TRY(password_check_new(call, password));
    TRY(password_hash(call, password, &hash));
    TRY(account_set_password(call->db, account->user_nid, hash));
    if (!arguments->keep_sessions)
        TRY(session_end_all(call, account->user_nid, NULL));
    printf("user: %s\n", account->user_id);
    if (arguments->make_password)
        printf("password: %s\n", password);
    return OK;
}

static enum exit_status run(struct invocation *invocation)
{
    struct arguments arguments = {0};
    const struct command_option options[] = {
        {"generate-password", NULL, "make a random password and print it", &arguments.make_password,
         NULL},
        {"keep-sessions", NULL, "do not log the user out everywhere", &arguments.keep_sessions,
         NULL},
        {0},
    };
    enum command_parse_result parsed = command_parse(invocation, options, 1, 1);

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    arguments.name = invocation->operands[0];
    return account_session_run(invocation, set_password, &arguments);
}

const struct command command_user_set_password = {
    .name = "user set-password",
    .operands = "NAME",
    .summary = "give an account a new password",
    .details =
        "The user is logged out everywhere: whoever knew the old password is out. Encrypted\n"
        "messages stay readable to a user who has a recovery key or another device's keys.\n"
        "\n"
        "  beffroi user set-password anna --generate-password\n",
    .run = run,
};
