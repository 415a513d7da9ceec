/* beffroi user create */
#include "homeserver/accounts/password_hash.h"
#include "homeserver/accounts/registration.h"
#include "homeserver/cli/account_session.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"
#include "homeserver/cli/password_input.h"

struct arguments {
    const char *name;
    bool is_admin;
    bool make_password;
};

static enum errcode create(struct account_session *session, const void *options)
{
    const struct arguments *arguments = options;
    struct registration registration = {.is_admin = arguments->is_admin};
    struct call *call = &session->call;
    const char *localpart, *server_name, *password;
    int64_t user_nid;

    TRY(account_session_user_id(session, arguments->name, &localpart, &server_name));
    TRY(registration_check_username(call, server_name, localpart, &registration.user_id));
    if (arguments->make_password)
        password = password_input_generate(call->arena);
    else
        TRY(password_input_read(call->arena, call->error, &password));
    TRY(password_check_new(call, password));
    TRY(password_hash(call, password, &registration.password_hash));
    TRY(registration_create(call, &registration, &user_nid));
    printf("user: %s%s\n", registration.user_id, arguments->is_admin ? " (administrator)" : "");
    if (arguments->make_password)
        printf("password: %s\n", password);
    return OK;
}

static enum exit_status run(struct invocation *invocation)
{
    struct arguments arguments = {0};
    const struct command_option options[] = {
        {"admin", NULL, "the account may administrate the server", &arguments.is_admin, NULL},
        {"generate-password", NULL, "make a random password and print it", &arguments.make_password,
         NULL},
        {0},
    };
    enum command_parse_result parsed = command_parse(invocation, options, 1, 1);

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    arguments.name = invocation->operands[0];
    return account_session_run(invocation, create, &arguments);
}

const struct command command_user_create = {
    .name = "user create",
    .operands = "NAME",
    .summary = "make an account",
    .details =
        "NAME is what stands before the colon (anna), or a whole user ID when several domains\n"
        "are hosted (@anna:example.org). The password is asked for, or read from standard\n"
        "input. Works whether the server runs or not.\n"
        "\n"
        "  beffroi user create anna --admin\n"
        "  pwgen 20 1 | beffroi user create bob\n",
    .run = run,
};
