/* beffroi user deactivate */
#include <ctype.h>
#include <unistd.h>

#include "config/config.h"
#include "homeserver/accounts/deactivation.h"
#include "homeserver/accounts/requester.h"
#include "homeserver/cli/account_session.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"
#include "homeserver/rooms/membership.h"
#include "homeserver/rooms/room_service.h"
#include "homeserver/server/domain_keys.h"
#include "storage/accounts.h"
#include "storage/journal.h"

enum { ROOMS_LOADED_MAX = 64 };

static void destroy_rooms(struct room_service **rooms)
{
    room_service_destroy(*rooms);
}

/* It can not be undone, so a person is asked once. */
static bool is_confirmed(const char *user_id)
{
    char answer[16];

    if (isatty(STDIN_FILENO) != 1)
        return true;
    fprintf(stderr, "Deactivate %s for good? The name can never be used again. [y/N] ", user_id);
    return fgets(answer, sizeof(answer), stdin) != NULL && tolower((unsigned char)answer[0]) == 'y';
}

/* Leaving is an event in every room, signed like any other. */
static enum errcode leave_rooms(struct account_session *session, const struct account *account)
{
    const struct requester requester = {
        .user_id = account->user_id,
        .user_nid = account->user_nid,
        .server_name = strchr(account->user_id, ':') + 1,
    };
    struct domain_key *keys;

    TRY(domain_keys_read(session->call.arena, session->config, &session->error, &keys));
    SCOPED(destroy_rooms)
    struct room_service *rooms =
        room_service_create(keys, session->config->domain_count, ROOMS_LOADED_MAX);
    session->services.rooms = rooms;
    enum errcode code = rooms_leave_all(&session->call, &requester);
    enum errcode committed = commit_group_wait(session->call.commits);
    session->services.rooms = NULL;
    return code != OK ? code : committed;
}

struct arguments {
    const char *name;
    bool erase;
    bool without_question;
};

static enum errcode deactivate(struct account_session *session, const void *options)
{
    const struct arguments *arguments = options;
    const struct account *account;

    TRY(account_session_find(session, arguments->name, &account));
    if (!arguments->without_question && !is_confirmed(account->user_id))
        return fail(&session->error, M_FORBIDDEN, "Nothing was changed.");
    TRY(leave_rooms(session, account));
    TRY(account_end(&session->call, account->user_nid, arguments->erase));
    printf("%s is deactivated.\n", account->user_id);
    return OK;
}

static enum exit_status run(struct invocation *invocation)
{
    struct arguments arguments = {0};
    const struct command_option options[] = {
        {"erase", NULL, "hide what the user wrote from people who join later", &arguments.erase,
         NULL},
        {"yes", NULL, "do not ask", &arguments.without_question, NULL},
        {0},
    };
    enum command_parse_result parsed = command_parse(invocation, options, 1, 1);

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    arguments.name = invocation->operands[0];
    return account_session_run(invocation, deactivate, &arguments);
}

const struct command command_user_deactivate = {
    .name = "user deactivate",
    .operands = "NAME",
    .summary = "end an account for good",
    .details =
        "The user leaves all rooms and is logged out everywhere; password, addresses and profile\n"
        "are deleted. The name is never given to anybody else, and there is no way back.\n"
        "After a failure it may be repeated.\n",
    .run = run,
};
