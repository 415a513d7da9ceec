/* beffroi state-resets */
#include <time.h>

#include "homeserver/cli/account_session.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"
#include "storage/room_jumps.h"

enum { RESETS_SHOWN_MAX = 1000 };

static void print_reset(const struct state_reset *reset)
{
    time_t happened = (time_t)(reset->happened_ts / 1000);
    struct tm when;
    char moment[32];

    gmtime_r(&happened, &when);
    strftime(moment, sizeof(moment), "%Y-%m-%d %H:%M:%S", &when);
    printf("%s  %s  %s\n    with event %s\n", moment, reset->room_id, reset->detail,
           reset->event_id);
}

static enum errcode list(struct account_session *session, const void *options)
{
    struct state_reset *resets;
    size_t count;

    (void)options;
    TRY(state_resets_list(session->call.db, session->call.arena, RESETS_SHOWN_MAX, &resets,
                          &count));
    for (size_t i = 0; i < count; i++)
        print_reset(&resets[i]);
    if (count == 0)
        printf("No state resolution took away what nobody took away.\n");
    return OK;
}

static enum exit_status run(struct invocation *invocation)
{
    const struct command_option options[] = {{0}};
    enum command_parse_result parsed = command_parse(invocation, options, 0, 0);

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    return account_session_run(invocation, list, NULL);
}

const struct command command_state_resets = {
    .name = "state-resets",
    .operands = "",
    .summary = "rooms that lost members or powers without anybody removing them",
    .details =
        "When servers did not hear each other, a room goes on in branches; where they meet, the\n"
        "rules of state resolution decide what counts. Now and then that takes a member or power\n"
        "levels away although nobody removed them. The server notices, logs it, counts it\n"
        "(beffroi_state_resets_total) and lists it here, the newest first: in UTC, with the event\n"
        "that arrived then. People concerned can join again; `beffroi verify-room` shows whether\n"
        "the state is what the rules make of the events.\n",
    .run = run,
};
