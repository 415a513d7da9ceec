/* beffroi user create */
#include "homeserver/accounts/password_hash.h"
#include "homeserver/accounts/registration.h"
#include "homeserver/cli/account_session.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"
#include "homeserver/cli/password_input.h"

static enum errcode create(struct account_session *session, const char *name, bool is_admin,
                           bool make_password)
{
    struct registration registration = {.is_admin = is_admin};
    struct call *call = &session->call;
    const char *localpart, *server_name, *password;
    int64_t user_nid;

    TRY(account_session_user_id(session, name, &localpart, &server_name));
    TRY(registration_check_username(call, server_name, localpart, &registration.user_id));
    if (make_password)
        password = password_input_generate(call->arena);
    else
        TRY(password_input_read(call->arena, call->error, &password));
    TRY(password_check_new(call, password));
    TRY(password_hash(call, password, &registration.password_hash));
    TRY(registration_create(call, &registration, &user_nid));
    printf("user: %s%s\n", registration.user_id, is_admin ? " (administrator)" : "");
    if (make_password)
        printf("password: %s\n", password);
    return OK;
}

static enum exit_status run(struct invocation *invocation)
{
    bool is_admin = false, make_password = false;
    const struct command_option options[] = {
        {"admin", NULL, "the account may administrate the server", &is_admin, NULL},
        {"generate-password", NULL, "make a random password and print it", &make_password, NULL},
        {0},
    };
    enum command_parse_result parsed = command_parse(invocation, options, 1, 1);

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    SCOPED(account_session_close) struct account_session session = {0};
    enum exit_status opened = account_session_open(invocation, &session);
    if (opened != EXIT_DONE)
        return opened;
    enum errcode code = create(&session, invocation->operands[0], is_admin, make_password);
    return code == OK ? EXIT_DONE : account_session_failed(&session, code);
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
